// The request behind a view, to be copied: as an address, for `curl`, and for `fetch`. A key is never shown; in its
// place stands the name of a variable.

import { html, useEffect, useId, useRef, useState } from "./view.js";
import { getKey } from "./api.js";

const FORMS = { url: "URL", curl: "curl", fetch: "fetch" };
const SAID_FOR = 2000;

/** `method`, `url`, `headers` and `json` (a body) as the view sends them, or `file`, the name of one that is sent;
 * `label` says what for. */
export function RequestView({ label = "The request behind this", method = "GET", url, headers = {}, json, file }) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="request" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${label} <code>${method} ${shorten(String(url))}</code></summary>
    ${isOpen && html`<${WrittenRequest} request=${{ method, url: String(url), headers: withKey(headers, json), json, file }} />`}
  </details>`;
}

/** Written only while somebody looks at it: a body may be a megabyte, which changes with each key. */
function WrittenRequest({ request }) {
  const [form, setForm] = useState("url");
  const id = useId();
  const text = write(form, request);
  return html`<div class="request-forms" role="group" aria-label="Written as">
      ${Object.entries(FORMS).map(([name, title]) => html`<button type="button" key=${name}
        aria-pressed=${form === name} aria-controls=${id} onClick=${() => setForm(name)}>${title}</button>`)}
      <${CopyButton} text=${text} />
    </div>
    <pre id=${id} tabindex="0" aria-label=${FORMS[form]}><code>${text}</code></pre>`;
}

export function CopyButton({ text, title = "Copy" }) {
  const [said, setSaid] = useState("");
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    setSaid((await copyText(text)) ? "Copied" : "Select and copy it by hand");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(""), SAID_FOR);
  };
  return html`<button type="button" class="copy" onClick=${copy}>${title}</button>
    <span role="status" class="small">${said}</span>`;
}

/** Browsers give the clipboard to pages over https and of this machine only; elsewhere the old way is left. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "off-screen";
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

function withKey(headers, json) {
  const all = { ...headers };
  if (getKey() !== null) all.Authorization = "Bearer $DATELINE_KEY";
  if (json !== undefined) all["Content-Type"] ??= "application/json";
  return all;
}

function shorten(url) {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

function write(form, request) {
  if (form === "curl") return writeCurl(request);
  return form === "fetch" ? writeFetch(request) : request.url;
}

function writeCurl({ method, url, headers, json, file }) {
  const parts = ["curl"];
  if (method !== "GET") parts.push(`--request ${method}`);
  for (const [name, value] of Object.entries(headers)) parts.push(`--header ${quoteHeader(`${name}: ${value}`)}`);
  if (json !== undefined) parts.push(`--data-raw ${quote(JSON.stringify(json))}`);
  if (file !== undefined) parts.push(`--data-binary ${quote(`@${file}`)}`);
  parts.push(quote(url));
  return parts.join(parts.length > 3 ? " \\\n  " : " ");
}

/** For a POSIX shell: nothing in single quotes means anything but a single quote. */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function quoteHeader(text) {
  return text.includes("$DATELINE_KEY") ? `"${text}"` : quote(text);
}

function writeFetch({ method, url, headers, json, file }) {
  const options = [];
  if (method !== "GET") options.push(`method: ${JSON.stringify(method)}`);
  const named = Object.entries(headers).map(([name, value]) => `${JSON.stringify(name)}: ${writeHeader(value)}`);
  if (named.length) options.push(`headers: { ${named.join(", ")} }`);
  if (json !== undefined) options.push(`body: JSON.stringify(${JSON.stringify(json)})`);
  if (file !== undefined) options.push("body: file");
  const second = options.length ? `, {\n  ${options.join(",\n  ")}\n}` : "";
  return `const response = await fetch(${JSON.stringify(url)}${second});\nconst data = await response.json();`;
}

function writeHeader(value) {
  return value.includes("$DATELINE_KEY") ? "`Bearer ${key}`" : JSON.stringify(value);
}
