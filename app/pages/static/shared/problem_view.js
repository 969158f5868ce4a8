// A failure as its visitor reads it: what happened, what to do, and the number by which an operator finds it.

import { html, useEffect, useRef, useState } from "./view.js";
import { setKey } from "./api.js";

/** `retry` is offered, once the server's time is over, where trying again can help. `aside`: codes of problems
 * that another view beside this one tells of; each is told once. */
export function ProblemView({ problem, retry, aside = [] }) {
  if (aside.includes(problem.code)) return html`<p class="note">${problem.code === "unauthorized" ? "A key is needed." : "This cannot be shown either."}</p>`;
  if (problem.code === "unauthorized") return html`<${KeyForm} problem=${problem} />`;
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

/** Asks for a key, which this tab keeps until it is closed. `hasFocus`: what is typed next is the key. */
export function KeyForm({ problem, hasFocus = false, children }) {
  const [value, setValue] = useState("");
  const field = useRef(null);
  useEffect(() => {
    if (hasFocus) field.current.focus();
  }, []);
  const submit = (event) => {
    event.preventDefault();
    if (value.trim() !== "") setKey(value.trim());
  };
  return html`<form class="problem key-form" onSubmit=${submit}>
    <p role="alert">${problem.sentence}</p>
    <label>API key
      <input type="password" autocomplete="off" ref=${field} value=${value} onInput=${(event) => setValue(event.target.value)} /></label>
    <button type="submit" class="primary">Use this key</button>
    <p class="small">It stays in this tab and is forgotten when the tab is closed. ${children}</p>
  </form>`;
}
