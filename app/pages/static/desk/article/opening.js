// One article on the desk: what is loaded of it, what this tab kept of it, and the editor that begins with both.

import { html, useEffect, useState } from "../../shared/view.js";
import { buildUrl, onKeyChange, send } from "../../shared/api.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { Editor } from "./editor.js";
import { chooseNotation, previewBody } from "./body_field.js";
import { makeForm } from "./form.js";
import { findUnsaved } from "./unsaved.js";

const NEW_BODY = { notation: "markdown", text: "" };

/** `onCreated` gets the number of a new article when it has one; its editor stays. */
export function ArticleDesk({ id, view, scopes, onCreated }) {
  const [start, setStart] = useState(null);
  const [problem, setProblem] = useState(null);
  const [turn, setTurn] = useState(0);
  const url = buildUrl(`v1/articles/${encodeURIComponent(id)}`, { include: "body_markdown" });
  // Once: what is open is never replaced by a reload, nor by another key.
  useEffect(() => {
    const controller = new AbortController();
    setProblem(null);
    begin(id, url, controller.signal).then(setStart, (error) => error.name !== "AbortError" && setProblem(error));
    return () => controller.abort();
  }, [turn]);
  useEffect(() => (problem === null ? undefined : onKeyChange(() => setTurn((count) => count + 1))), [problem]);
  if (problem) return html`<${ProblemView} problem=${problem} retry=${() => setTurn(turn + 1)} /><${KeptText} id=${id} /><${RequestView} url=${url} />`;
  if (start === null) return html`<p class="waiting" role="status">Opening…</p>`;
  return html`<${Editor} id=${id} view=${view} start=${start} scopes=${scopes} url=${url} onCreated=${onCreated} />`;
}

/** What this tab keeps of an article that cannot be opened, to be copied. */
function KeptText({ id }) {
  const kept = findUnsaved(id);
  if (kept === null) return null;
  const { title, standfirst, body } = kept.form;
  return html`<section class="fields panel" aria-label="Kept text"><h2>What this tab keeps of it</h2>
    <label>Not saved, to be copied <textarea rows="16" readonly dir="auto" value=${[title, standfirst, body.text].filter((text) => text !== "").join("\n\n")}></textarea></label></section>`;
}

/** `base`: the version that the form is upon, as article and as form; `form`; `keptAt`: when this tab kept it, or null;
 * `isForeign`: it was begun with another version than `base`. */
async function begin(id, url, signal) {
  if (id === "new") {
    const kept = findUnsaved(id);
    const form = makeForm(undefined, NEW_BODY);
    return { base: { article: null, form }, form: { ...form, ...kept?.form }, keptAt: kept?.at ?? null };
  }
  const { data: current } = await send(url, { signal });
  // By its number, whatever it was opened by.
  const kept = findUnsaved(current.id);
  if (kept === null) {
    const body = await chooseNotation(current.body, current.body_markdown).catch(() => ({ notation: "html", text: current.body }));
    const form = makeForm(current, body);
    return { base: { article: current, form }, form, keptAt: null };
  }
  const older = kept.version === current.version ? current : await loadVersion(current.id, kept.version, signal);
  const article = older ?? current;
  const { notation } = kept.form.body;
  const text = notation === "html" ? article.body
    : article.body_markdown ?? (await previewBody({ notation: "html", text: article.body }, { include: "body_markdown" })).body_markdown;
  const form = makeForm(article, { notation, text });
  return { base: { article, form }, form: { ...form, ...kept.form }, keptAt: kept.at, isForeign: older === null };
}

/** What was typed upon a version that somebody has replaced meanwhile is brought together with theirs when it is saved.
 * Null where that version is not kept any more. */
async function loadVersion(id, version, signal) {
  try {
    return (await send(buildUrl(`v1/articles/${id}/revisions/${version}`), { signal })).data;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
