// The record of an import or a bulk edit: how far it is, what came of it, and its undo.

import { html, useEffect, useState } from "../shared/view.js";
import { buildUrl, send } from "../shared/api.js";
import { formatDate, formatNumber } from "../shared/dates.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { useRead } from "../shared/requests.js";
import { ConfirmButton } from "./parts.js";

const PAUSE = 700;
const OPEN = new Set(["waiting", "running"]);
const COUNTS = ["created", "updated", "unchanged", "failed"];

/** A record, asked for again while there is work on it. */
export function useRecord(id) {
  const url = buildUrl(`v1/imports/${encodeURIComponent(id)}`, { limit: 50 });
  const { data: record, problem, reload } = useRead(url);
  const isOpen = record !== null && (OPEN.has(record.state) || OPEN.has(record.undo?.state));
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setTimeout(reload, PAUSE);
    return () => clearTimeout(timer);
  }, [record, isOpen]);
  return { record, problem, reload, url };
}

export function Record({ record, scopes, onChanged }) {
  const { state, progress, error, undo, dry_run: isDry } = record;
  return html`<section class="record" aria-label=${`Record ${record.id}`}>
    <p role="status"><strong>${describeState(state)}</strong>${isDry ? " (a trial: nothing was changed)" : ""}
      ${` · ${formatNumber(progress.read)} read`}${COUNTS.filter((name) => progress[name] > 0).map((name) => `, ${formatNumber(progress[name])} ${name}`)}</p>
    ${OPEN.has(state) && html`<progress aria-label="In progress"></progress>`}
    ${error && html`<p class="problem">${error}</p>`}
    ${undo && html`<${UndoState} undo=${undo} />`}
    ${state !== "waiting" && state !== "running" && !isDry && scopes.has("admin") && undo?.state !== "done"
      && html`<${UndoButton} id=${record.id} onChanged=${onChanged} />`}
  </section>`;
}

function describeState(state) {
  return { waiting: "Waiting", running: "Running", done: "Done", failed: "Broken off" }[state] ?? state;
}

function UndoState({ undo }) {
  const parts = ["withdrawn", "trashed", "restored", "kept", "gone"].filter((name) => undo[name] > 0)
    .map((name) => `${formatNumber(undo[name])} ${name}`);
  return html`<p role="status">${OPEN.has(undo.state) ? `Being undone: ${formatNumber(undo.done)} of ${formatNumber(undo.total)}`
    : `Undone ${formatDate(undo.undone_at)}: ${parts.join(", ") || "nothing was left to undo"}`}</p>`;
}

function UndoButton({ id, onChanged }) {
  const url = buildUrl(`v1/imports/${id}/undo`);
  const [problem, setProblem] = useState(null);
  const undo = async () => {
    setProblem(null);
    try {
      await send(url, { method: "POST" });
      onChanged();
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<${ConfirmButton} onClick=${undo} action="Undo it" question="What it made goes to the bin, or is withdrawn where readers
    see it; what it changed is as before. What somebody has edited since stays.">Undo all of it<//>
    ${problem && html`<${ProblemView} problem=${problem} />`}
    <${RequestView} label="Undoing is" method="POST" url=${url} />`;
}
