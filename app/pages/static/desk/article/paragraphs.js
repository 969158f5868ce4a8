// A difference by paragraph, as the API tells it: removed, added, and what stayed, of which long runs are folded.

import { html, useState } from "../../shared/view.js";
import { countThings } from "../../shared/dates.js";

const CONTEXT = 1;
/** Paragraphs that are shown at once. */
const MANY = 1000;

export function Paragraphs({ rows }) {
  const [isOpen, setOpen] = useState(false);
  const [most, setMost] = useState(MANY);
  const shown = isOpen ? rows.map((row) => ({ row })) : fold(rows);
  return html`<div class="paragraphs">${shown.slice(0, most).map(({ row, folded }, at) => (folded
    ? html`<button type="button" class="plain small" key=${at} onClick=${() => setOpen(true)}>${countThings(folded, "unchanged paragraph")}</button>`
    : html`<${Paragraph} key=${at} row=${row} />`))}
    ${shown.length > most && html`<button type="button" onClick=${() => setMost(most + MANY)}>Show more of ${countThings(shown.length, "paragraph")}</button>`}</div>`;
}

function Paragraph({ row }) {
  if (row.change === "removed") return html`<del class="paragraph removed" dir="auto"><span class="off-screen">Removed: </span>${row.text || row.type}</del>`;
  if (row.change === "added") return html`<ins class="paragraph added" dir="auto"><span class="off-screen">Added: </span>${row.text || row.type}</ins>`;
  return html`<p class="paragraph" dir="auto">${row.text || row.type}</p>`;
}

function fold(rows) {
  const near = rows.map((_, at) => rows.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ change }) => change !== "same"));
  const shown = [];
  let folded = 0;
  rows.forEach((row, at) => {
    if (near[at]) {
      if (folded > 0) shown.push({ folded });
      folded = 0;
      shown.push({ row });
    } else folded += 1;
  });
  return folded > 0 ? [...shown, { folded }] : shown;
}
