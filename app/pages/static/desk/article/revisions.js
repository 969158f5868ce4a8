// The versions of an article: who saved each, what it changed, and going back to one.

import { html, useState } from "../../shared/view.js";
import { buildUrl } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { useRead } from "../../shared/requests.js";
import { LABELS } from "./form.js";
import { Paragraphs } from "./paragraphs.js";
import { ActionButton, ConfirmButton } from "../parts.js";

export function Revisions({ article, isDirty, change }) {
  // The version is in the address for the reader only: with each there is one row more.
  const url = buildUrl(`v1/articles/${article.id}/revisions`, { limit: 50 });
  const { data, problem, reload } = useRead(url);
  const [shown, setShown] = useState(null);
  const restore = async (version) => {
    const address = buildUrl(`v1/articles/${article.id}/revisions/${version}/restore`);
    if (await change(address, { method: "POST" }, `This is version ${version} again.`)) reload();
  };
  return html`<section aria-label="Revisions">
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${isDirty && html`<p class="small">Save or put away what is not saved before you go back to a version.</p>`}
    <ol class="bare rows" reversed>${data?.data.map((one) => html`<li key=${one.version} class="revision">
      <div class="row"><strong>Version ${one.version}</strong>
        <span class="small">${formatDate(one.saved_at)} · ${one.saved_by ?? "unknown"} · ${one.status}</span>
        <span class="small">${one.changed_fields.map((name) => LABELS[name] ?? name).join(", ")}</span>
        <span class="row-buttons">
          <button type="button" aria-expanded=${shown === one.version} onClick=${() => setShown(shown === one.version ? null : one.version)}>
            ${shown === one.version ? "Hide what it changed" : "What it changed"}</button>
          ${one.version !== article.version && html`<${Back} article=${article} version=${one.version} disabled=${isDirty} restore=${restore} />`}</span></div>
      ${shown === one.version && html`<${Difference} id=${article.id} version=${one.version} />`}</li>`)}</ol>
    <${RequestView} url=${url} />
  </section>`;
}

/** What readers see is asked for first. */
function Back({ article, version, disabled, restore }) {
  const label = `Go back to version ${version}`;
  if (article.status !== "published") {
    return html`<${ActionButton} disabled=${disabled} onClick=${() => restore(version)} aria-label=${label}>Go back to it<//>`;
  }
  return html`<${ConfirmButton} disabled=${disabled} onClick=${() => restore(version)} aria-label=${label} action=${label}
    question=${`Readers see version ${version} at once. What is there now stays among the versions.`}>Go back to it<//>`;
}

function Difference({ id, version }) {
  const url = buildUrl(`v1/articles/${id}/revisions/${version}/diff`);
  const { data, problem, reload } = useRead(url);
  return html`<div class="difference">
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${data && html`<dl>${data.fields.map(({ field, before, after }) => html`<div key=${field}><dt>${LABELS[field] ?? field}</dt>
      <dd><del class="removed" dir="auto">${describe(before)}</del> <ins class="added" dir="auto">${describe(after)}</ins></dd></div>`)}</dl>
      ${data.changed_fields.includes("body") && html`<${Paragraphs} rows=${data.body} />`}`}
    <${RequestView} url=${url} />
  </div>`;
}

/** Beside its name, what of a dateline, an image, a region or a post may be all that differs. */
const DETAILS = ["place", "date", "url", "alt", "caption", "credit", "roles", "description", "canonical_url"];

/** A value of a property in words. */
export function describe(value) {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(describe).join(", ");
  if (typeof value !== "object") return String(value);
  const name = value.name ?? value.article?.title ?? value.title ?? value.text ?? value.url ?? JSON.stringify(value);
  const details = DETAILS.map((detail) => value[detail]).filter((one) => one !== null && one !== undefined && one !== "" && one !== name);
  if (value.unlinked) details.push("never linked");
  return details.length === 0 ? name : `${name} (${details.map((one) => [one].flat().join(" + ")).join("; ")})`;
}
