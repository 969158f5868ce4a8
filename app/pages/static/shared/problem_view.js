// A failure as its visitor reads it: what happened, what to do, and the number by which an operator finds it.

import { html, useEffect, useState } from "./view.js";
import { setKey } from "./api.js";

/** `retry` is offered, once the server's time is over, where trying again can help. `aside`: beside a view that asks for
 * a key already, one is enough. */
export function ProblemView({ problem, retry, aside = false }) {
  if (problem.code === "unauthorized") return aside ? html`<p class="note">A key is needed.</p>` : html`<${KeyForm} problem=${problem} />`;
  const canHelp = retry !== undefined && (problem.status === 0 || problem.status === 429 || problem.status >= 500);
  return html`<div class="problem" role="alert">
    <p>${problem.sentence}</p>
    ${problem.requestId && html`<p class="small">Request <code>${problem.requestId}</code></p>`}
    ${canHelp && html`<${Retry} seconds=${problem.retryAfter ?? 0} retry=${retry} key=${problem.requestId} />`}
  </div>`;
}

function Retry({ seconds, retry }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return html`<button type="button" onClick=${retry} disabled=${left > 0}>
    ${left > 0 ? `Try again in ${left} s` : "Try again"}</button>`;
}

/** Asks for a key, which this tab keeps until it is closed. */
export function KeyForm({ problem }) {
  const [value, setValue] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (value.trim() !== "") setKey(value.trim());
  };
  return html`<form class="problem key-form" onSubmit=${submit}>
    <p role="alert">${problem.sentence}</p>
    <label>API key
      <input type="password" autocomplete="off" value=${value} onInput=${(event) => setValue(event.target.value)} /></label>
    <button type="submit">Use this key</button>
    <p class="small">It stays in this tab and is forgotten when the tab is closed.</p>
  </form>`;
}
