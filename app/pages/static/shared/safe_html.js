// The one place where text becomes HTML: bodies of articles, which the server has sanitised. What is in them must load
// nothing that the page's policy refuses, and must not be able to lead the page itself away.

import { html, useLayoutEffect, useRef } from "./view.js";

const policy = globalThis.trustedTypes?.createPolicy("dateline", { createHTML: (text) => text });
const FORBIDDEN = "script, style, link, meta, base, iframe, object, embed, form, input, button, template";
const KEPT_ATTRIBUTES = new Set(
  "href title hreflang cite span datetime src alt width height start reversed type colspan rowspan scope lang dir id open".split(" "),
);
/** With one of these schemes, or with none: no colon before the first of what ends a scheme's place. */
const ADDRESS = /^(?:https?:|mailto:|tel:|[^:/?#]*(?:[/?#]|$))/i;

/** An element with the HTML in it; other properties become attributes of the element. */
export function SafeHtml({ text, ...rest }) {
  const place = useRef(null);
  // Before it is painted, so that the page does not jump.
  useLayoutEffect(() => place.current.replaceChildren(parse(text)), [text]);
  return html`<div ref=${place} ...${rest}></div>`;
}

/** HTML as a document of its own, of which nothing is loaded or run unless it is moved into the page. */
export function parseDocument(text) {
  return new DOMParser().parseFromString(policy === undefined ? text : policy.createHTML(text), "text/html");
}

function parse(text) {
  const parsed = parseDocument(text);
  for (const element of parsed.body.querySelectorAll(FORBIDDEN)) element.remove();
  for (const element of parsed.body.querySelectorAll("*")) clean(element);
  const fragment = document.createDocumentFragment();
  fragment.append(...parsed.body.childNodes);
  return fragment;
}

function clean(element) {
  for (const { name, value } of [...element.attributes]) {
    const isAddress = name === "href" || name === "src" || name === "cite";
    if (!KEPT_ATTRIBUTES.has(name) || (isAddress && !ADDRESS.test(value.trim()))) element.removeAttribute(name);
  }
  if (element.localName === "a") cleanLink(element);
  if (element.localName === "img") cleanPicture(element);
}

function cleanLink(link) {
  const href = link.getAttribute("href") ?? "";
  if (href.startsWith("#")) return;
  link.setAttribute("rel", "noopener noreferrer");
  link.setAttribute("target", "_blank");
}

/** The policy lets pictures in over https alone; of any other there is a link. */
function cleanPicture(picture) {
  const source = picture.getAttribute("src") ?? "";
  if (/^(?:https:|data:image\/)/i.test(source)) {
    picture.setAttribute("loading", "lazy");
    picture.setAttribute("referrerpolicy", "no-referrer");
    return;
  }
  const link = document.createElement("a");
  link.textContent = picture.getAttribute("alt") || "Picture";
  if (/^http:/i.test(source)) {
    link.setAttribute("href", source);
    cleanLink(link);
  }
  picture.replaceWith(link);
}
