// Imports: by an address or a file, with what comes of them while they run, and all that there were.

import { html, useState } from "../shared/view.js";
import { buildUrl, send } from "../shared/api.js";
import { formatDate, formatNumber } from "../shared/dates.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { useRead } from "../shared/requests.js";
import { Link, go } from "../shared/router.js";
import { ActionButton, Query, useIsThere } from "./parts.js";
import { Record, useRecord } from "./records.js";

const TYPES = {
  md: "text/markdown", txt: "text/plain", csv: "text/csv", tsv: "text/tab-separated-values", html: "text/html",
  htm: "text/html", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", json: "application/json",
  jsonld: "application/ld+json", xml: "application/xml", rss: "application/rss+xml", atom: "application/atom+xml",
  zip: "application/zip",
};
/** What is sent of a file whose ending says nothing: its content tells. */
const OTHER = "application/octet-stream";

/** The source of what was sent as a file. */
const SENT = "request";

export function ImportDesk({ id, scopes }) {
  return id === null
    ? html`<h1>Imports</h1><${NewImport} scopes=${scopes} /><${Records} />`
    : html`<${OneImport} key=${id} id=${id} scopes=${scopes} />`;
}

function NewImport({ scopes }) {
  const [address, setAddress] = useState("");
  const [file, setFile] = useState(null);
  const [origin, setOrigin] = useState("");
  const [isDry, setDry] = useState(false);
  const [problem, setProblem] = useState(null);
  const isThere = useIsThere();
  const url = buildUrl("v1/imports", { origin: file === null ? "" : origin, dry_run: isDry ? "true" : "" });
  const json = file === null ? { url: address.trim(), ...(origin === "" ? {} : { origin }) } : undefined;
  const headers = { Prefer: "respond-async", ...(file === null ? {} : { "Content-Type": findType(file.name) }) };
  const begin = async () => {
    setProblem(null);
    try {
      const { data } = await send(url, { method: "POST", headers, json, body: file ?? undefined });
      if (isThere.current) go(new Query({ view: "imports", import: data.id }));
    } catch (error) {
      setProblem(error);
    }
  };
  const mayRead = scopes.has("publish");
  return html`<section class="fields panel" aria-label="New import">
    <h2>Bring articles in</h2>
    ${!mayRead && html`<p class="small">This key cannot import: it lacks the scope publish.</p>`}
    <label>Address of a feed, a sitemap or a site ${scopes.has("admin") ? "" : "(needs the scope admin)"}
      <input type="url" value=${address} disabled=${file !== null || !scopes.has("admin")} placeholder="https://news.example/feed.xml"
        onInput=${(event) => setAddress(event.target.value)} /></label>
    <label>or a file <input type="file" onChange=${(event) => setFile(event.target.files[0] ?? null)} /></label>
    <label>Origin <input value=${origin} maxlength="200" onInput=${(event) => setOrigin(event.target.value)} />
      <span class="small">A name for where these articles come from, by which they are known when it is imported again. Empty: by the address or the file.</span></label>
    <label class="check"><input type="checkbox" checked=${isDry} onChange=${(event) => setDry(event.target.checked)} />
      Try it only: say what would happen, and change nothing</label>
    ${problem && html`<${ProblemView} problem=${problem} />`}
    <p><${ActionButton} class="primary" disabled=${!mayRead || (file === null && address.trim() === "")} onClick=${begin}>
      ${isDry ? "Try the import" : "Import"}<//></p>
    <${RequestView} method="POST" url=${url} headers=${headers} json=${json} file=${file?.name} />
  </section>`;
}

function findType(name) {
  return TYPES[name.split(".").at(-1).toLowerCase()] ?? OTHER;
}

function Records() {
  const url = buildUrl("v1/imports", { limit: 20 });
  const { data, problem, reload } = useRead(url);
  return html`<h2>Imports and bulk edits</h2>
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${data?.data.length === 0 && html`<p>There were none yet.</p>`}
    <ul class="bare articles">${data?.data.map((record) => html`<li key=${record.id} class="article-row"><div>
      <${Link} params=${new Query({ view: "imports", import: record.id })} class="article-title">${name(record)}<//>
      <p class="small">${describe(record)}</p></div></li>`)}</ul>
    <${RequestView} url=${url} />`;
}

function describe({ state, created_at: at, created_by: by, progress, undo }) {
  const counts = `${formatNumber(progress.created + progress.updated)} changed, ${formatNumber(progress.failed)} failed`;
  return [state, formatDate(at), by, counts, undo?.state === "done" ? "undone" : null].filter(Boolean).join(" · ");
}

function name({ id, kind, source }) {
  if (kind === "bulk_edit") return `Bulk edit ${id}`;
  return !source || source === SENT ? `Import ${id}` : source;
}

function OneImport({ id, scopes }) {
  const { record, problem, reload, url } = useRecord(id);
  return html`<p><${Link} params=${new Query({ view: "imports" })}>← Imports<//></p>
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${record && html`<h1>${name(record)}</h1>
      <${Record} record=${record} scopes=${scopes} onChanged=${reload} />
      ${record.notes?.length > 0 && html`<h2>Notes</h2><ul>${record.notes.map(({ note, count, first }) => html`
        <li key=${note}>${note} <span class="small">${formatNumber(count)} ×, first at ${first}</span></li>`)}</ul>`}
      <${Results} results=${record.results ?? []} />`}
    <${RequestView} url=${url} />`;
}

function Results({ results }) {
  if (results.length === 0) return null;
  return html`<h2>What came of each</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="What came of each"><table>
      <thead><tr><th scope="col">Item</th><th scope="col">Outcome</th><th scope="col">Article</th></tr></thead>
      <tbody>${results.map(({ number, item, outcome, id, slug, reason, copy_of: copy }) => html`<tr key=${number}>
        <td>${item}</td><td>${outcome}${reason ? `: ${reason}` : ""}${copy ? `, nearly the same as ${copy}` : ""}</td>
        <td>${id !== null && html`<${Link} params=${new Query({ article: id })}>${slug ?? id}<//>`}</td></tr>`)}</tbody>
    </table></div>`;
}
