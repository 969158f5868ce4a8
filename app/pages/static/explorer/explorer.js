// The explorer at the root of the server: what is published, searched and read.

import { html, render, useState } from "../shared/view.js";
import { PageHeader } from "../shared/header.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { Marked } from "../shared/marked.js";
import { SafeHtml } from "../shared/safe_html.js";
import { Link, go, useAddress } from "../shared/router.js";
import { buildUrl } from "../shared/api.js";
import { useDebounced, useRead } from "../shared/requests.js";
import { applyTheme } from "../shared/theme.js";

function Explorer() {
  const [params] = useAddress();
  const ref = params.get("article");
  return html`<${PageHeader} title="Dateline" links=${[["guides", "Guides"], ["docs", "Endpoints"]]} />
    <main id="main">${ref === null ? html`<${Results} q=${params.get("q") ?? ""} />` : html`<${Article} id=${ref} />`}</main>`;
}

function Results({ q }) {
  const [typed, setTyped] = useState(q);
  const search = useDebounced((text) => go(new URLSearchParams(text ? { q: text } : {}), { replace: true }), 80);
  const type = (event) => {
    setTyped(event.target.value);
    search(event.target.value);
  };
  const url = buildUrl("v1/search", { q, limit: 20, highlight: "title,body" });
  const { data, problem, reload } = useRead(url);
  return html`<label>Search <input type="search" value=${typed} onInput=${type} /></label>
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${data && html`<ol>${data.data.map(({ article, highlights }) => html`<li key=${article.id}>
      <${Link} params=${new URLSearchParams({ article: article.slug })}>${article.title}<//>
      <p><${Marked} text=${highlights.body?.[0] ?? ""} /></p></li>`)}</ol>`}
    <${RequestView} url=${url} />`;
}

function Article({ id }) {
  const url = buildUrl(`v1/articles/${encodeURIComponent(id)}`, { include: "body" });
  const { data, problem, reload } = useRead(url);
  return html`${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${data && html`<h1 dir="auto">${data.title}</h1><${SafeHtml} text=${data.body} lang=${data.language} dir="auto" />`}
    <${RequestView} url=${url} />`;
}

applyTheme();
const place = document.getElementById("page");
place.replaceChildren();
render(html`<${Explorer} />`, place);
