// Small things that all views of the desk are made of: states, busy buttons, dialogs, page turning.

import { html, useEffect, useRef, useState } from "../shared/view.js";
import { Link } from "../shared/router.js";

/** A query of the address, from an object; null and "" are left out. */
export class Query extends URLSearchParams {
  constructor(values) {
    super(Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  }
}

export const STATES = {
  draft: "draft", scheduled: "scheduled", published: "published", withdrawn: "withdrawn", trashed: "in the bin",
};

export function StateBadge({ status }) {
  return html`<span class=${`state state-${status}`}>${STATES[status] ?? status}</span>`;
}

/** A ref that says whether the component is still shown, for what it hears of later: whoever has left it goes on with
 * something else. */
export function useIsThere() {
  const isThere = useRef(true);
  useEffect(() => () => { isThere.current = false; }, []);
  return isThere;
}

/** A button that is busy while what it does takes its time, so that nothing is done twice. What fails is told by
 * whoever `onClick` belongs to. It keeps the focus while it can do nothing, so that a keyboard's place is not lost. */
export function ActionButton({ onClick, disabled = false, children, ...rest }) {
  const [isBusy, setBusy] = useState(false);
  const isThere = useIsThere();
  const isOff = disabled || isBusy;
  const click = async () => {
    if (isOff) return;
    setBusy(true);
    try {
      await onClick();
    } finally {
      if (isThere.current) setBusy(false);
    }
  };
  return html`<button type="button" aria-disabled=${isOff} aria-busy=${isBusy} onClick=${click} ...${rest}>${children}</button>`;
}

/** A button for what others see at once, or what cannot be taken back: it asks `question` first, and does it by a second
 * button, which is called `action`. */
export function ConfirmButton({ question, action, onClick, disabled = false, children, ...rest }) {
  const [isAsked, setAsked] = useState(false);
  const act = async () => {
    await onClick();
    setAsked(false);
  };
  return html`<button type="button" disabled=${disabled} onClick=${() => setAsked(true)} ...${rest}>${children}</button>
    ${isAsked && html`<${Dialog} title=${action} onClose=${() => setAsked(false)}><p>${question}</p>
      <${ActionButton} class="primary" onClick=${act}>${action}<//><//>`}`;
}

/** What asks a question before something is done: opened when it is rendered, closed by Escape, `onClose` in any case.
 * The focus goes back to where it was, or to the page where that is not there any more. */
export function Dialog({ title, onClose, children }) {
  const place = useRef(null);
  useEffect(() => {
    const [dialog, opener] = [place.current, document.activeElement];
    dialog.showModal();
    // Not upon a button: the key that has opened the dialog may be held.
    (dialog.querySelector("input, select, textarea") ?? dialog).focus();
    return () => {
      dialog.close();
      // Rendered at once, the opener may go with what the dialog has done.
      setTimeout(() => (opener.isConnected && !opener.disabled ? opener : document.getElementById("main")).focus());
    };
  }, []);
  return html`<dialog ref=${place} tabindex="-1" aria-label=${title} onClose=${onClose} class="dialog">
    <h2>${title}</h2>${children}
    <button type="button" class="plain dialog-close" aria-label="Close" onClick=${onClose}>✕</button>
  </dialog>`;
}

/** Leads to the next page of a list and back to its first; `params` are those of the list's view. */
export function Pages({ params, page }) {
  const to = (cursor) => {
    const next = new URLSearchParams(params);
    if (cursor === null) next.delete("cursor");
    else next.set("cursor", cursor);
    return next;
  };
  if (page.next === null && page.previous === null) return null;
  return html`<nav class="pages" aria-label="Pages of the list">
    ${page.previous !== null && html`<${Link} params=${to(page.previous)} rel="prev">← Back<//>`}
    ${page.next !== null && html`<${Link} params=${to(page.next)} rel="next">More →<//>`}
  </nav>`;
}

/** Text that appears a moment and is read out. */
export function Status({ text }) {
  return html`<p role="status" class="small status">${text}</p>`;
}

/** A random name for a request, so that a repeat of it is carried out once. */
export function makeKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** The editor's time zone, in which dates are entered. */
export const ZONE_NAME = ZONE ?? "your computer's time zone";

/** An instant as a field for dates has it, in the editor's zone: `2025-12-01T09:30`. */
export function toLocalInput(instant) {
  const at = new Date(instant);
  const part = (value) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${part(at.getMonth() + 1)}-${part(at.getDate())}T${part(at.getHours())}:${part(at.getMinutes())}`;
}
