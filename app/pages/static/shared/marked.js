// Texts in which the API marks what matched: `<mark>` around words, everything else escaped. They become text and
// elements, never HTML.

import { html } from "./view.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'" };
const PIECES = /<mark>(.*?)<\/mark>/s;

function unescape(text) {
  return text.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity]);
}

/** A text with marks, as elements. */
export function Marked({ text }) {
  // Every second piece is what stood between the tags.
  return text.split(PIECES).map((piece, at) => (at % 2 ? html`<mark>${unescape(piece)}</mark>` : unescape(piece)));
}
