// The head of every page: what this is, where else one may go, colours, and the key of this tab.

import { html, useEffect, useState } from "./view.js";
import { ROOT, getKey, onKeyChange, setKey } from "./api.js";
import { ThemeSwitch } from "./theme.js";

/** `title` is the page's; `links` are pairs of a path below the root and a text. */
export function PageHeader({ title, links, children }) {
  return html`<header class="page-header">
    <a class="skip" href="#main">Skip to the content</a>
    <p class="brand"><a href=${ROOT}>${title}</a></p>
    <div class="page-header-middle">${children}</div>
    <nav aria-label="Pages">
      ${links.map(([path, text]) => html`<a key=${path} href=${new URL(path, ROOT)}>${text}</a>`)}
      <${KeyState} />
      <${ThemeSwitch} />
    </nav>
  </header>`;
}

/** Says that this tab has a key, and forgets it on request. */
function KeyState() {
  const [key, setKeyState] = useState(getKey);
  useEffect(() => onKeyChange(setKeyState), []);
  if (key === null) return null;
  return html`<button type="button" class="plain" title="Forgets the key of this tab" onClick=${() => setKey(null)}>Sign out</button>`;
}
