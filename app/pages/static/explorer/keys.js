// What keys do in the explorer: `/` leads to the search, arrows through the results, Enter opens one, Escape leads back.

import { useEffect } from "../shared/view.js";

const EDITABLE = "input, textarea, select, [contenteditable]";

/** `field`: a ref to the search field. `onBack`: what Escape does while an article is read, or null. */
export function useKeys(field, onBack) {
  useEffect(() => {
    const press = (event) => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
      const isTyping = event.target.matches?.(EDITABLE);
      if (event.key === "/" && !isTyping) {
        event.preventDefault();
        field.current.focus();
        field.current.select();
      } else if (event.key === "Escape" && onBack !== null && !isTyping) {
        onBack();
      } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !isTyping) {
        moveAmongResults(event, field.current);
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [field, onBack]);
}

/** From a result to the next; above the first is the search field. Elsewhere arrows scroll, as they do. */
function moveAmongResults(event, field) {
  const results = listResults();
  const at = results.indexOf(document.activeElement);
  if (at === -1) return;
  event.preventDefault();
  const next = event.key === "ArrowDown" ? Math.min(at + 1, results.length - 1) : at - 1;
  (results[next] ?? field).focus();
}

export function focusFirstResult() {
  listResults()[0]?.focus();
}

/** Back from an article, to the link that led there. */
export function focusResult(slug) {
  listResults().find((result) => result.dataset.slug === slug)?.focus({ preventScroll: true });
}

function listResults() {
  return [...document.querySelectorAll("a.result")].filter((result) => result.checkVisibility());
}
