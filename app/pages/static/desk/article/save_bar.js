// What is not saved yet, and saving it: of a published article with what readers are told of a mistake.

import { html } from "../../shared/view.js";
import { LABELS } from "./form.js";
import { ActionButton } from "../parts.js";

/** `names` of the fields that differ; `said`: what is told of the last save; `isSlow`: one is waited for. */
export function SaveBar({ article, names, said, isSlow, save, correction, onCorrection }) {
  const isDirty = names.length > 0;
  const isPublic = article?.status === "published";
  return html`<div class="save-bar" role="group" aria-label="Saving">
    <div class="save-said"><p role="status">${isSlow ? "Saving …" : describe(article, names, said)}</p>
      ${said.warnings.map(({ detail }) => html`<p key=${detail} class="small warning" role="status">${detail}</p>`)}</div>
    ${isDirty && (isPublic || correction !== "") && html`<label class="correction">Correction for readers, if something was wrong
      <input value=${correction} maxlength="2000" dir="auto" onInput=${(event) => onCorrection(event.target.value)} /></label>`}
    <${ActionButton} class="primary" disabled=${!isDirty} onClick=${() => save()} aria-keyshortcuts="Control+S">
      ${correction.trim() === "" ? "Save" : "Save and correct"}<//>
  </div>`;
}

function describe(article, names, said) {
  if (names.length === 0) return said.text || (article === null ? "" : `Saved as version ${article.version}`);
  const isPublic = article?.status === "published";
  return `Not saved: ${names.map((name) => LABELS[name]).join(", ")}.${isPublic ? " Readers see it once it is saved." : ""}`;
}
