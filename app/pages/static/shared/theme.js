// Light or dark: as the system says, until the visitor says otherwise. That choice is all that is kept beyond the tab.

import { html, useEffect, useState } from "./view.js";

const NAME = "dateline-theme";
const NEXT = { system: "light", light: "dark", dark: "system" };
const LABELS = { system: "as the system", light: "light", dark: "dark" };
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

function load() {
  try {
    const saved = localStorage.getItem(NAME);
    return saved !== null && Object.hasOwn(NEXT, saved) ? saved : "system";
  } catch {
    return "system";
  }
}

function save(theme) {
  try {
    localStorage.setItem(NAME, theme);
  } catch {
    // It lasts as long as the page then.
  }
}

/** Called before the first rendering, so that a dark page does not begin light. */
export function applyTheme(theme = load()) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(load);
  useEffect(() => applyTheme(theme), [theme]);
  const change = () => {
    const next = NEXT[theme];
    save(next);
    setTheme(next);
  };
  return html`<button type="button" class="plain" onClick=${change}
    aria-label=${`Colours: ${LABELS[theme]}. Change to ${LABELS[NEXT[theme]]}.`} title=${`Colours: ${LABELS[theme]}`}>
    <span aria-hidden="true">${SIGNS[theme]}</span></button>`;
}
