// A field that suggests while one types, as the ARIA practices describe a combobox with a list: arrows, Enter, Escape.

import { html, useEffect, useId, useRef, useState } from "../shared/view.js";
import { useDebounced } from "../shared/requests.js";

const PAUSE = 120;
const NOTHING = { of: "", items: [], problem: null };

/** `find(text, signal)` resolves to items with `key`, `text` and perhaps `hint`; `onChoose` gets the one chosen.
 * `onFree`, where given, gets a text that Enter is pressed behind while no item is marked, with the items for it; it
 * returns whether it took it. What is not taken stays in the field. */
export function Combobox({ label, placeholder, find, onChoose, onFree }) {
  const [text, setText] = useState("");
  const { found, look, findNow, close } = useFound(find);
  const [at, setAt] = useState(-1);
  const [said, setSaid] = useState("");
  const id = useId();
  // As it is when a response comes, and not as it was when it was asked for.
  const takeFree = useRef(onFree);
  takeFree.current = onFree;
  const hide = () => {
    setAt(-1);
    close();
  };
  const clear = () => {
    setText("");
    setSaid("");
    hide();
  };
  const choose = (item) => {
    onChoose(item);
    clear();
  };
  const isTaking = useRef(false);
  const take = async (typed) => {
    if (typed === "" || onFree === undefined) return;
    isTaking.current = true;
    // What is suggested for fewer letters may be something else.
    const items = await findNow(typed);
    isTaking.current = false;
    if (items === null) return;
    if (takeFree.current(typed, items)) clear();
    else setSaid(items.length === 0 ? `Nothing here is called “${typed}”.` : "Choose one: the arrow keys lead to them.");
  };
  const leave = () => {
    if (isTaking.current) return;
    hide();
    setSaid(text.trim() === "" ? "" : `“${text.trim()}” is not added yet: Enter adds it.`);
  };
  const type = (event) => {
    setText(event.target.value);
    setSaid("");
    setAt(-1);
    look(event.target.value.trim());
  };
  const move = (step) => setAt((at + step + found.items.length + (at < 0 && step < 0 ? 1 : 0)) % found.items.length);
  const press = (event) => {
    const hasItems = found.items.length > 0;
    if (event.key === "ArrowDown" && hasItems) move(1);
    else if (event.key === "ArrowUp" && hasItems) move(-1);
    else if (event.key === "Escape" && hasItems) hide();
    else if (event.key === "Enter" && at >= 0) choose(found.items[at]);
    else if (event.key === "Enter") take(text.trim());
    else return;
    event.preventDefault();
  };
  const isOpen = found.items.length > 0;
  return html`<div class="combobox">
    <label>${label}
      <input role="combobox" aria-expanded=${isOpen} aria-controls=${id} aria-autocomplete="list" autocomplete="off" dir="auto"
        aria-activedescendant=${at >= 0 ? `${id}-${at}` : undefined} value=${text} placeholder=${placeholder}
        onInput=${type} onKeyDown=${press} onBlur=${leave} onFocus=${() => setSaid("")} /></label>
    <ul id=${id} role="listbox" aria-label=${label} class="bare options" hidden=${!isOpen}>${found.items.map((item, place) => html`
      <li key=${item.key} id=${`${id}-${place}`} role="option" aria-selected=${place === at}
        onMouseDown=${(event) => { event.preventDefault(); choose(item); }}>
        <span dir="auto">${item.text}</span>${item.hint && html` <span class="small">${item.hint}</span>`}</li>`)}</ul>
    ${said !== "" && html`<p class="small warning" role="status">${said}</p>`}
    ${found.problem && html`<p class="small" role="alert">${found.problem.sentence}</p>`}
  </div>`;
}

/** What is suggested: `look(text)` asks for it when the keys pause, `findNow(text)` at once, and resolves to the items,
 * or to null where they cannot be had or something else is asked for meanwhile. */
function useFound(find) {
  const [found, setFound] = useState(NOTHING);
  const asked = useRef(null);
  useEffect(() => () => asked.current?.abort(), []);
  const ask = async (text) => {
    asked.current?.abort();
    const controller = new AbortController();
    asked.current = controller;
    try {
      const items = text === "" ? [] : await find(text, controller.signal);
      if (controller.signal.aborted) return null;
      setFound({ of: text, items, problem: null });
      return items;
    } catch (problem) {
      if (!controller.signal.aborted) setFound({ of: "", items: [], problem });
      return null;
    }
  };
  const look = useDebounced(ask, PAUSE);
  const findNow = async (text) => {
    if (text === found.of) return found.items;
    look.cancel();
    return ask(text);
  };
  const close = () => {
    look.cancel();
    asked.current?.abort();
    setFound(NOTHING);
  };
  return { found, look, findNow, close };
}
