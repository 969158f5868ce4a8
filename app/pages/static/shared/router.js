// What a page shows is in its address: it can be shared, and the back button goes back. Knows no names of parameters.

import { html, useCallback, useEffect, useState } from "./view.js";

const CHANGED = "dateline-address";

/** The query of the address as URLSearchParams, and `go(params, {replace})`, which changes it. `replace` makes no entry
 * in the history: for what changes with every key. */
export function useAddress() {
  const [query, setQuery] = useState(location.search);
  useEffect(() => {
    const read = () => setQuery(location.search);
    addEventListener("popstate", read);
    addEventListener(CHANGED, read);
    return () => {
      removeEventListener("popstate", read);
      removeEventListener(CHANGED, read);
    };
  }, []);
  return [new URLSearchParams(query), useCallback(go, [])];
}

/** The query of the address as it is now, for what happens later than it was rendered. */
export function readAddress() {
  return new URLSearchParams(location.search);
}

export function go(params, { replace = false } = {}) {
  const address = format(params);
  if (address !== location.pathname + location.search) {
    history[replace ? "replaceState" : "pushState"](null, "", address);
    dispatchEvent(new Event(CHANGED));
  }
}

/** A link within the page: an address that can be opened elsewhere, and a change of what is shown here. */
export function Link({ params, children, onGo, ...rest }) {
  const click = (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(params);
    onGo?.();
  };
  return html`<a href=${format(params)} onClick=${click} ...${rest}>${children}</a>`;
}

function format(params) {
  const query = String(params);
  return location.pathname + (query === "" ? "" : `?${query}`);
}
