// The editor of an article: its fields, what is saved when, and what stands beside them. What is typed is kept in this
// tab all the time, and is replaced by nothing but what its editor chooses.

import { html, useCallback, useEffect, useRef, useState } from "../../shared/view.js";
import { buildUrl, ROOT, send } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { Link, go } from "../../shared/router.js";
import { ArticleFields } from "./fields.js";
import { Audit } from "./audit.js";
import { Conflict } from "./conflict.js";
import { findDifferences, isSame, makeForm, makePatch, rebase } from "./form.js";
import { makeKey, Query, StateBadge } from "../parts.js";
import { Publishing } from "./publishing.js";
import { Revisions } from "./revisions.js";
import { SaveBar } from "./save_bar.js";
import { Suggestions } from "./suggestions.js";
import { dropUnsaved, keepUnsaved } from "./unsaved.js";

const VIEWS = { text: "Text", revisions: "Revisions", audit: "Audit" };
const PAUSE = 250;
const NOTHING = { text: "", warnings: [] };

export function Editor({ id, view, start, scopes, url }) {
  const [{ base, form }, setState] = useState(start);
  const [keptAt, setKeptAt] = useState(start.keptAt);
  const [failure, setFailure] = useState(null);
  const [theirs, setTheirs] = useState(null);
  const [said, setSaid] = useState(NOTHING);
  const repeat = useRef(makeKey());
  const names = findDifferences(form, base.form);
  const isDirty = names.length > 0;
  const { hasRoom, stopKeeping } = useKept(base.article?.id ?? id, base.article?.version ?? 0, form, isDirty);
  const { article } = base;

  const setForm = (change) => setState((old) => ({ ...old, form: typeof change === "function" ? change(old.form) : change }));
  // A text in another notation that says the same is no change.
  const setBody = (body) => setState((old) => turnBody(old, body));
  /** Goes on upon the article as it is now; what was changed here since `sent` stays changed. */
  const adopt = useCallback((next, sent, text, headers) => {
    setState((old) => {
      const upon = sent ?? old.base.form;
      const isKnown = sent !== undefined || next.body === old.base.article?.body;
      const body = isKnown ? upon.body : { notation: "html", text: next.body };
      const nextForm = makeForm(next, body);
      return { base: { article: next, form: nextForm }, form: rebase(old.form, upon, nextForm).form };
    });
    setKeptAt(null);
    setFailure(null);
    setSaid({ text, warnings: JSON.parse(headers?.get("Dateline-Warnings") ?? "[]") });
  }, []);

  /** Of a conflict both versions are shown; whatever else went wrong is told, and `retry` offered where it may help. */
  const fail = async (problem, retry) => {
    setSaid(NOTHING);
    if (problem.code !== "precondition_failed") return setFailure({ problem, retry });
    try {
      setTheirs((await send(url)).data);
      setFailure(null);
    } catch (another) {
      setFailure({ problem: another });
    }
    return undefined;
  };
  /** Sends a change upon the version that is open; `sent`: the form of which it is. */
  const change = async (address, options, text, sent, retry) => {
    setFailure(null);
    try {
      const { data, headers } = await send(address, { ifMatch: `"${article.version}"`, ...options });
      adopt(data, sent, text, headers);
      return true;
    } catch (error) {
      await fail(error, retry);
      return false;
    }
  };
  const save = async (extra = {}, state = { base, form }) => {
    const json = { ...makePatch(state.form, findDifferences(state.form, state.base.form), state.base.form), ...extra };
    const retry = () => latestSave.current(extra);
    if (state.base.article === null) return create({ ...makePatch(state.form, Object.keys(state.form)), ...extra }, retry);
    const options = { method: "PATCH", json, ifMatch: `"${state.base.article.version}"` };
    return change(addressOf(state.base.article.id), options, describeSaved(extra), state.form, retry);
  };
  const latestSave = useRef(save);
  latestSave.current = save;
  const create = async (json, retry) => {
    setFailure(null);
    try {
      const headers = { "Idempotency-Key": repeat.current };
      const { data } = await send(buildUrl("v1/articles"), { method: "POST", json: prune(json), headers });
      stopKeeping();
      go(new Query({ article: data.id }), { replace: true });
      return true;
    } catch (error) {
      // Nobody knows what became of a request without a response: with its key again, it is carried out once. One that
      // was refused would be refused again.
      if (error.status !== 0 && error.status < 500) repeat.current = makeKey();
      setFailure({ problem: error, retry });
      return false;
    }
  };
  const discard = () => {
    dropUnsaved(base.article?.id ?? id);
    setState({ base, form: base.form });
    setKeptAt(null);
    setTheirs(null);
  };
  useSaveKey(() => isDirty && save());
  useTitle(form.title || nameUntitled(article));

  if (theirs !== null) {
    const resolve = (merged, upon) => {
      const next = { base: { article: theirs, form: upon }, form: merged };
      setState(next);
      setTheirs(null);
      return save({}, next);
    };
    const putAway = () => {
      const upon = makeForm(theirs);
      setState({ base: { article: theirs, form: upon }, form: upon });
      setTheirs(null);
    };
    return html`<${Conflict} base=${base} form=${form} theirs=${theirs} onResolve=${resolve} onDiscard=${putAway} />`;
  }
  const json = makePatch(form, names, base.form);
  return html`<${Head} article=${article} form=${form} view=${view} id=${id} />
    ${keptAt && isDirty && html`<aside class="notice">Your text of ${formatDate(keptAt)}, which was not saved, is back.
      ${start.isForeign && " The version that it was begun with is not kept any more: compare it with what is there before you save it. "}
      <button type="button" onClick=${discard}>Put it away</button></aside>`}
    ${!hasRoom && html`<aside class="notice" role="alert">This tab has no room to keep what is not saved. Save before you close it.</aside>`}
    ${view === "text" && html`<div class="desk-columns">
      <div><${ArticleFields} form=${form} setForm=${setForm} setBody=${setBody} own=${article?.id} />
        ${article === null ? html`<${RequestView} label="Saving is" method="POST" url=${buildUrl("v1/articles")} json=${prune(makePatch(form, Object.keys(form)))} />`
          : html`<${RequestView} label="Saving is" method="PATCH" url=${addressOf(article.id)} json=${json} headers=${{ "If-Match": `"${article.version}"` }} />
            <${RequestView} label="Reading was" url=${url} />`}</div>
      <div class="side">
        <${Publishing} article=${article} isDirty=${isDirty} scopes=${scopes} save=${save} change=${change} />
        ${article && html`<${Corrections} corrections=${article.corrections} />
          <${Suggestions} article=${article} change=${change} />`}
      </div></div>`}
    ${view === "revisions" && article && html`<${Revisions} article=${article} isDirty=${isDirty} change=${change} />`}
    ${view === "audit" && article && html`<${Audit} article=${article} />`}
    <div class="bottom">${failure && html`<${ProblemView} problem=${failure.problem} retry=${failure.retry} />`}
      ${(view === "text" || isDirty || said !== NOTHING) && html`<${SaveBar} article=${article} names=${names} said=${said} save=${save} />`}</div>`;
}

function turnBody({ base, form }, body) {
  const isUnchanged = isSame(form.body, base.form.body);
  return { base: isUnchanged ? { ...base, form: { ...base.form, body } } : base, form: { ...form, body } };
}

function addressOf(id) {
  return buildUrl(`v1/articles/${id}`);
}

function describeSaved({ status, correction, published_at: at }) {
  if (status === "scheduled") return `Goes out ${formatDate(at)}.`;
  return { published: "Published.", draft: "It is a draft again." }[status] ?? (correction ? "Corrected." : "Saved.");
}

/** A new article says nothing of what it does not have. */
function prune(json) {
  const isEmpty = (value) => value === null || value === "" || value === "und" || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(json).filter(([name, value]) => !isEmpty(value) && !(name === "body" && Object.values(value)[0] === "")));
}

/** Keeps a changed form in this tab, at the latest when the page is left, and asks before a window with it is closed. */
function useKept(id, version, form, isDirty) {
  const [hasRoom, setRoom] = useState(true);
  const latest = useRef(null);
  const isOver = useRef(false);
  latest.current = () => {
    dropUnsaved(id);
    return !isDirty || isOver.current || keepUnsaved(id, version, form);
  };
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
  useEffect(() => {
    if (!isDirty) return undefined;
    const ask = (event) => isOver.current || event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isDirty]);
  const stopKeeping = () => {
    isOver.current = true;
  };
  return { hasRoom, stopKeeping };
}

function useSaveKey(save) {
  const latest = useRef(save);
  latest.current = save;
  useEffect(() => {
    const press = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
        event.preventDefault();
        latest.current();
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

const LIST_OF = { draft: "drafts", scheduled: "scheduled", published: "published", withdrawn: "withdrawn", trashed: "bin" };

function Corrections({ corrections }) {
  if (corrections.length === 0) return null;
  return html`<section class="panel" aria-label="Corrections"><h2>Corrections</h2>
    <ul>${corrections.map(({ at, text }) => html`<li key=${at + text} dir="auto">${text} <span class="small">${formatDate(at)}</span></li>`)}</ul></section>`;
}
