// Who did what to an article, the newest first.

import { html, useState } from "../../shared/view.js";
import { buildUrl } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { useRead } from "../../shared/requests.js";
import { describe } from "./revisions.js";

export function Audit({ article }) {
  const [cursor, setCursor] = useState(null);
  const url = buildUrl(`v1/articles/${article.id}/audit`, { limit: 30, cursor });
  const { data, problem, reload } = useRead(url);
  return html`<section aria-label="Audit">
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    <div class="scroll" tabindex="0" role="region" aria-label="Who did what"><table>
      <thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Who</th><th scope="col">Version</th>
        <th scope="col">Details</th><th scope="col">Request</th></tr></thead>
      <tbody>${data?.data.map((row) => html`<tr key=${row.id}><td>${formatDate(row.at)}</td><td>${row.action.replaceAll("_", " ")}</td>
        <td>${row.actor.name}</td><td>${versions(row)}</td><td>${details(row.details)}</td>
        <td><code>${row.request_id ?? ""}</code></td></tr>`)}</tbody></table></div>
    ${data && (data.page.previous || data.page.next) && html`<nav class="pages" aria-label="Pages of the audit">
      ${data.page.previous && html`<button type="button" onClick=${() => setCursor(data.page.previous)}>← Newer</button>`}
      ${data.page.next && html`<button type="button" onClick=${() => setCursor(data.page.next)}>Older →</button>`}</nav>`}
    <${RequestView} url=${url} />
  </section>`;
}

function versions({ version_before: before, version_after: after }) {
  return before === after ? String(after ?? "") : `${before ?? "new"} → ${after ?? "gone"}`;
}

function details(values) {
  return Object.entries(values).map(([name, value]) => `${name}: ${[value].flat().map(describe).join(name === "status" ? " → " : ", ")}`).join("; ");
}
