// A field that suggests while one types, as the ARIA practices describe a combobox with a list: arrows, Enter, Escape.

import { html, useEffect, useId, useRef, useState } from "../shared/view.js";
import { useDebounced } from "../shared/requests.js";

const PAUSE = 120;
const NOTHING = { items: [], problem: null };

/** `find(text, signal)` resolves to items with `key`, `text` and perhaps `hint`; `onChoose` gets the one chosen, and
 * `onFree`, where given, a text that Enter is pressed behind while no item is marked. */
export function Combobox({ label, placeholder, find, onChoose, onFree }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState(NOTHING);
  const [at, setAt] = useState(-1);
  const [isLeft, setLeft] = useState(false);
  const asked = useRef(null);
  const id = useId();
  useEffect(() => () => asked.current?.abort(), []);
  const look = useDebounced(async (typed) => {
    asked.current?.abort();
    if (typed.trim() === "") return setFound(NOTHING);
    const controller = new AbortController();
    asked.current = controller;
    try {
      const items = await find(typed.trim(), controller.signal);
      if (!controller.signal.aborted) setFound({ items, problem: null });
    } catch (problem) {
      if (!controller.signal.aborted) setFound({ items: [], problem });
    }
    return undefined;
  }, PAUSE);
  const close = () => {
    asked.current?.abort();
    look("");
    setFound(NOTHING);
    setAt(-1);
  };
  const leave = () => {
    setLeft(true);
    close();
  };
  const choose = (item) => {
    onChoose(item);
    setText("");
    close();
  };
  const type = (event) => {
    setText(event.target.value);
    setAt(-1);
    look(event.target.value);
  };
  const press = (event) => {
    const { items } = found;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (items.length === 0) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setAt((at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (at >= 0) choose(items[at]);
      else if (text.trim() !== "" && onFree !== undefined) {
        onFree(text.trim(), items);
        setText("");
        close();
      }
    } else if (event.key === "Escape" && items.length > 0) {
      event.preventDefault();
      close();
    }
  };
  const isOpen = found.items.length > 0;
  return html`<div class="combobox">
    <label>${label}
      <input role="combobox" aria-expanded=${isOpen} aria-controls=${id} aria-autocomplete="list" autocomplete="off" dir="auto"
        aria-activedescendant=${at >= 0 ? `${id}-${at}` : undefined} value=${text} placeholder=${placeholder}
        onInput=${type} onKeyDown=${press} onBlur=${leave} onFocus=${() => setLeft(false)} /></label>
    <ul id=${id} role="listbox" aria-label=${label} class="bare options" hidden=${!isOpen}>${found.items.map((item, place) => html`
      <li key=${item.key} id=${`${id}-${place}`} role="option" aria-selected=${place === at}
        onMouseDown=${(event) => { event.preventDefault(); choose(item); }}>
        <span dir="auto">${item.text}</span>${item.hint && html` <span class="small">${item.hint}</span>`}</li>`)}</ul>
    ${isLeft && text.trim() !== "" && html`<p class="small warning" role="status">“${text.trim()}” is not added yet: Enter adds it.</p>`}
    ${found.problem && html`<p class="small" role="alert">${found.problem.sentence}</p>`}
  </div>`;
}
