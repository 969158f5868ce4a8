// What is not saved yet, and saving it: of a published article with what readers are told of a mistake.

import { html, useEffect, useState } from "../../shared/view.js";
import { LABELS } from "./form.js";
import { ActionButton } from "../parts.js";

export function SaveBar({ article, names, said, save }) {
  const [correction, setCorrection] = useState("");
  const isPublic = article?.status === "published";
  useEffect(() => setCorrection(""), [article?.version]);
  const extra = correction.trim() === "" ? {} : { correction: correction.trim() };
  const isDirty = names.length > 0;
  const text = isDirty ? `Not saved: ${names.map((name) => LABELS[name]).join(", ")}` : said.text || (article ? `Saved as version ${article.version}` : "");
  return html`<div class="save-bar" role="group" aria-label="Saving">
    <div class="save-said"><p role="status">${text}</p>
      ${said.warnings.map(({ detail }) => html`<p key=${detail} class="small warning" role="status">${detail}</p>`)}</div>
    ${isPublic && isDirty && html`<label class="correction">Correction for readers, if something was wrong
      <input value=${correction} maxlength="2000" dir="auto" onInput=${(event) => setCorrection(event.target.value)} /></label>`}
    <${ActionButton} class="primary" disabled=${!isDirty} onClick=${() => save(extra)} aria-keyshortcuts="Control+S">
      ${extra.correction ? "Save and correct" : "Save"}<//>
  </div>`;
}
