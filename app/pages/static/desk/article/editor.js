// The editor of an article: its fields, and what stands beside them. What is typed is kept in this tab all the time, and
// is replaced by nothing but what its editor chooses.

import { html, useEffect, useRef, useState } from "../../shared/view.js";
import { ROOT } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { Link } from "../../shared/router.js";
import { ArticleFields } from "./fields.js";
import { Audit } from "./audit.js";
import { Conflict } from "./conflict.js";
import { findDifferences, isSame } from "./form.js";
import { ConfirmButton, Query, StateBadge, useIsThere } from "../parts.js";
import { Publishing } from "./publishing.js";
import { Revisions } from "./revisions.js";
import { SaveBar } from "./save_bar.js";
import { useSaving } from "./saving.js";
import { Suggestions } from "./suggestions.js";
import { dropUnsaved, keepUnsaved } from "./unsaved.js";

const VIEWS = { text: "Text", revisions: "Revisions", audit: "Audit" };
const LIST_OF = { draft: "drafts", scheduled: "scheduled", published: "published", withdrawn: "withdrawn", trashed: "bin" };
const PAUSE = 250;

export function Editor({ id, view, start, scopes, url, onCreated }) {
  const isThere = useIsThere();
  // A save that ends behind a closed view: of what was kept when it was closed, it is known now what was saved.
  const onDone = (latest) => isThere.current || keepAgain(id, latest);
  const { state, update, save, change, requestOf } = useSaving({ start, onCreated, onDone });
  const { base, form, keptAt, said, failure, theirs, isSlow } = state;
  const { article } = base;
  const names = findDifferences(form, base.form);
  const isDirty = names.length > 0;
  const hasRoom = useKept(article?.id ?? id, article?.version ?? 0, form, isDirty);
  const setForm = (next) => update((old) => ({ form: next(old.form) }));
  // A text in another notation that says the same is no change; one that is not `from` any more stays as it is.
  const setBody = (from, body) => {
    let isTurned = false;
    update((old) => {
      isTurned = isSame(old.form.body, from);
      return isTurned ? turnBody(old, body) : {};
    });
    return isTurned;
  };
  const discard = () => {
    dropUnsaved(article?.id ?? id);
    update((old) => ({ form: old.base.form, keptAt: null }));
  };
  useFocusAfter(theirs !== null);
  useSaveKey(save);
  useTitle(form.title || nameUntitled(article));

  if (theirs !== null) {
    const resolve = (merged) => {
      update(() => ({ base: { article: theirs.article, form: theirs.form }, form: merged, theirs: null }));
      return save();
    };
    const putAway = () => update(() => ({ base: { article: theirs.article, form: theirs.form }, form: theirs.form, theirs: null }));
    return html`<${Conflict} base=${base} form=${form} theirs=${theirs} onResolve=${resolve} onDiscard=${putAway} />`;
  }
  return html`<${Head} article=${article} form=${form} view=${view} id=${id} />
    ${keptAt && isDirty && html`<aside class="notice">Your text of ${formatDate(keptAt)}, which was not saved, is back.
      ${start.isForeign && " The version that it was begun with is not kept any more: compare it with what is there before you save it. "}
      <${ConfirmButton} question="What this tab keeps and nobody has saved is gone then." action="Put it away for good" onClick=${discard}>Put it away<//></aside>`}
    ${!hasRoom && html`<aside class="notice" role="alert">This tab has no room to keep what is not saved. Save before you close it.</aside>`}
    ${view === "text" && html`<div class="desk-columns">
      <div><${ArticleFields} form=${form} setForm=${setForm} setBody=${setBody} own=${article?.id} />
        <${RequestView} label="Saving is" ...${requestOf()} />
        ${article && html`<${RequestView} label="Reading was" url=${url} />`}
      </div>
      <div class="side">
        <${Publishing} article=${article} isDirty=${isDirty} scopes=${scopes} save=${save} change=${change} requestOf=${requestOf} />
        ${article && html`<${Corrections} corrections=${article.corrections} />
          <${Suggestions} article=${article} change=${change} />`}
      </div></div>`}
    ${view === "revisions" && article && html`<${Revisions} article=${article} isDirty=${isDirty} change=${change} />`}
    ${view === "audit" && article && html`<${Audit} article=${article} />`}
    <div class="bottom">${failure && html`<${ProblemView} problem=${failure.problem} retry=${failure.retry} />`}
      ${(view === "text" || isDirty || said.text !== "") && html`<${SaveBar} article=${article} names=${names} said=${said} isSlow=${isSlow} save=${save}
        correction=${form.correction} onCorrection=${(correction) => setForm((old) => ({ ...old, correction }))} />`}</div>`;
}

function turnBody({ base, form }, body) {
  const isUnchanged = isSame(form.body, base.form.body);
  return { base: isUnchanged ? { ...base, form: { ...base.form, body } } : base, form: { ...form, body } };
}

/** Keeps what is not saved after a save, and drops what is. */
function keepAgain(id, { base, form }) {
  if (base.article === null) return;
  if (String(base.article.id) !== id) dropUnsaved(id);
  if (findDifferences(form, base.form).length > 0) keepUnsaved(base.article.id, base.article.version, form);
  else dropUnsaved(base.article.id);
}

/** Keeps a changed form in this tab, at the latest when the page is left, and asks before a window with it is closed;
 * whether there is room for it. */
function useKept(id, version, form, isDirty) {
  const [hasRoom, setRoom] = useState(true);
  const latest = useRef(null);
  latest.current = () => {
    if (isDirty) return keepUnsaved(id, version, form);
    dropUnsaved(id);
    return true;
  };
  const name = useRef(id);
  useEffect(() => {
    // A new article has got its number: under that its text is kept from here on.
    if (name.current !== id) dropUnsaved(name.current);
    name.current = id;
  }, [id]);
  useEffect(() => {
    const timer = setTimeout(() => setRoom(latest.current()), PAUSE);
    return () => clearTimeout(timer);
  }, [form, version, isDirty]);
  useEffect(() => {
    const keep = () => latest.current();
    addEventListener("pagehide", keep);
    return () => {
      removeEventListener("pagehide", keep);
      keep();
    };
  }, []);
  const isAsked = useRef(isDirty);
  isAsked.current = isDirty;
  useEffect(() => {
    if (!isDirty) return undefined;
    // Also until this ends, which is behind the rendering: what has been put away is not asked for.
    const ask = (event) => isAsked.current && event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isDirty]);
  return hasRoom;
}

/** Where a conflict was, keys go on in the page. */
function useFocusAfter(isConflict) {
  const was = useRef(false);
  useEffect(() => {
    if (was.current && !isConflict) document.getElementById("main").focus();
    was.current = isConflict;
  }, [isConflict]);
}

function useSaveKey(save) {
  const latest = useRef(save);
  latest.current = save;
  useEffect(() => {
    const press = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
        event.preventDefault();
        // While something is asked, that comes first.
        if (document.querySelector("dialog[open]") === null) latest.current();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

function nameUntitled(article) {
  return article === null ? "New article" : "(no title)";
}

function useTitle(title) {
  useEffect(() => {
    document.title = `${title} – Desk`;
  }, [title]);
}

function Head({ article, form, view, id }) {
  return html`<p class="small"><${Link} params=${new Query({ list: article ? LIST_OF[article.status] : "drafts" })}>← Articles<//></p>
    <h1 dir="auto">${form.title || nameUntitled(article)}</h1>
    ${article && html`<div class="head-line"><${StateBadge} status=${article.status} /> <span class="small">version ${article.version}
      ${article.published_at ? ` · ${article.status === "scheduled" ? "goes out" : "published"} ${formatDate(article.published_at, article.published_precision)}` : ""}</span>
      ${article.status === "published" && html`<a class="small" href=${new URL(`?article=${article.slug}`, ROOT)}>As readers see it</a>`}
      <nav class="tabs" aria-label="Of this article">${Object.entries(VIEWS).map(([name, title]) => html`<${Link} key=${name}
        params=${new Query({ article: id, view: name === "text" ? null : name })} aria-current=${view === name ? "page" : undefined}>${title}<//>`)}</nav></div>`}`;
}

function Corrections({ corrections }) {
  if (corrections.length === 0) return null;
  return html`<section class="panel" aria-label="Corrections"><h2>Corrections</h2>
    <ul>${corrections.map(({ at, text }) => html`<li key=${at + text} dir="auto">${text} <span class="small">${formatDate(at)}</span></li>`)}</ul></section>`;
}
