// The desk at `/desk`: what editors do, with a key that this tab keeps. It reads and writes through the public API.

import { html, render, useEffect, useMemo, useRef } from "../shared/view.js";
import { ROOT, buildUrl, getKey, setKey } from "../shared/api.js";
import { PageHeader } from "../shared/header.js";
import { KeyForm, ProblemView } from "../shared/problem_view.js";
import { useRead } from "../shared/requests.js";
import { Link, go, useAddress } from "../shared/router.js";
import { applyTheme } from "../shared/theme.js";
import { ArticleDesk } from "./article/opening.js";
import { ArticleList, FIRST_LIST, nameList } from "./article_list.js";
import { ImportDesk } from "./imports.js";
import { Query } from "./parts.js";

const KEY_URL = buildUrl("v1/key");
const LINKS = [["", "Explorer"], ["guides/desk", "Guide"]];
const WELCOME = {
  code: "", sentence: "The desk needs an API key with the scopes read_drafts and write; publish and admin allow more.",
};
const siteName = document.title.replace(/^.*? – /, "");

function Desk() {
  const [params] = useAddress();
  const key = useRead(getKey() === null ? null : KEY_URL);
  // A key that is refused later leaves what is open as it is: only at the beginning there is nothing to lose.
  const scopes = useMemo(() => new Set(key.data?.scopes ?? []), [key.data]);
  useTitle(params);
  return html`<${PageHeader} title=${siteName} links=${LINKS}>
      ${key.data && html`<${Sections} params=${params} />`}
    <//>
    <main id="main" tabindex="-1" class="desk">${key.data === null || getKey() === null
      ? html`<${Entrance} problem=${key.problem} retry=${key.reload} />`
      : html`${!scopes.has("read_drafts") && html`<p class="problem" role="alert">This key cannot read drafts: it lacks
          the scope read_drafts. <button type="button" onClick=${() => setKey(null)}>Use another key</button></p>`}
        <${View} params=${params} scopes=${scopes} />`}</main>`;
}

function Entrance({ problem, retry }) {
  if (getKey() === null) {
    return html`<h1>Desk</h1><div class="entrance"><${KeyForm} problem=${WELCOME} hasFocus>
      Whoever runs the server makes one: <a href=${new URL("guides/desk#sign-in", ROOT)}>how</a>.<//></div>`;
  }
  return problem && html`<h1>Desk</h1><${ProblemView} problem=${problem} retry=${retry} />`;
}

/** Of what has no title of its own; an article has. */
function useTitle(params) {
  const title = params.get("view") === "imports" ? "Imports" : params.get("article") === null ? nameList(params) : null;
  useEffect(() => {
    if (title !== null) document.title = `${title} – Desk – ${siteName}`;
  }, [title]);
}

function Sections({ params }) {
  const current = params.get("view") === "imports" ? "imports" : params.get("article") === "new" ? "new" : "list";
  const at = (name) => (current === name ? "page" : undefined);
  return html`<nav class="sections" aria-label="Desk">
    <${Link} params=${new Query({ list: FIRST_LIST })} aria-current=${at("list")}>Articles<//>
    <${Link} params=${new Query({ article: "new" })} aria-current=${at("new")}>New article<//>
    <${Link} params=${new Query({ view: "imports" })} aria-current=${at("imports")}>Imports<//>
  </nav>`;
}

function View({ params, scopes }) {
  const article = params.get("article");
  const imported = params.get("view") === "imports" ? (params.get("import") ?? "") : null;
  const { opened, rename } = useOpened(article, imported);
  // A new article keeps its editor, and whoever types in it the focus, when it gets its number.
  const onCreated = (id) => {
    if (rename(opened, String(id))) go(new Query({ article: id }), { replace: true });
  };
  if (article !== null) {
    return html`<${ArticleDesk} key=${opened} id=${article} view=${params.get("view") ?? "text"} scopes=${scopes} onCreated=${onCreated} />`;
  }
  if (imported !== null) return html`<${ImportDesk} id=${params.get("import")} scopes=${scopes} />`;
  return html`<${ArticleList} params=${params} scopes=${scopes} />`;
}

/** The number of what is opened, which rises with another article or import; keys go on from its beginning. `rename`:
 * the article of that number is called otherwise from here on; false where another is open meanwhile. */
function useOpened(article, imported) {
  const opened = useRef({ article, imported, number: 0 });
  const isOther = article !== opened.current.article || imported !== opened.current.imported;
  if (isOther) opened.current = { article, imported, number: opened.current.number + 1 };
  const { number } = opened.current;
  useEffect(() => {
    if (number > 0) document.getElementById("main").focus();
  }, [number]);
  const rename = (which, id) => {
    const isOpen = opened.current.number === which;
    if (isOpen) opened.current.article = id;
    return isOpen;
  };
  return { opened: number, rename };
}

applyTheme();
const place = document.getElementById("page");
place.replaceChildren();
render(html`<${Desk} />`, place);
