// One article as it is to be read, with everything that the API tells of it.

import { html, useEffect, useRef } from "../shared/view.js";
import { Link, go } from "../shared/router.js";
import { useRead } from "../shared/requests.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { SafeHtml } from "../shared/safe_html.js";
import { buildUrl } from "../shared/api.js";
import { formatDate, htmlLanguage, nameLanguage } from "../shared/dates.js";
import { RelatedPosts, Translations } from "./related.js";
import { change } from "./state.js";

const FORMATS = { json: "JSON", jsonld: "JSON-LD", ninjs: "ninjs", markdown: "Markdown", text: "Text" };

export function ArticleView({ params, id }) {
  const url = buildUrl(`v1/articles/${encodeURIComponent(id)}`, { include: "body,related" });
  const { data, problem, isSlow, retry } = useRead(url);
  const heading = useRef(null);
  const back = change(params, { article: null });
  if (params.get("cursor") !== null) back.set("cursor", params.get("cursor"));
  useEffect(() => {
    scrollTo({ top: 0 });
    heading.current?.focus({ preventScroll: true });
    if (data) document.title = `${data.title} – ${document.documentElement.dataset.siteName}`;
  }, [data?.id]);
  const isThere = problem === null && data !== null;
  return html`<div class="reading">
    ${!isThere && html`<h1 class="off-screen">An article of the archive</h1>`}
    <p class="no-print"><${Link} params=${back}>← Back to the results<//></p>
    ${isThere && data.status !== "published" && html`<p class="note"><strong>State: ${data.status}.</strong> Readers do not see this; the key of this tab does.</p>`}
    ${problem && html`<${Failure} problem=${problem} retry=${retry} params=${params} />`}
    ${isSlow && data === null && html`<p class="waiting" role="status">Fetching the article …</p>`}
    ${isThere && html`<${Story} article=${data} params=${params} heading=${heading} />`}
    ${isThere && html`<${RelatedPosts} params=${params} id=${data.id} /><${Translations} params=${params} article=${data} />`}
    <${RequestView} url=${url} label="The request behind this article" />
  </div>`;
}

/** What is gone may have an article in its place. */
function Failure({ problem, retry, params }) {
  const next = problem.document?.replaced_by?.slug ?? problem.document?.replaced_by;
  return html`<${ProblemView} problem=${problem} retry=${retry} />
    ${next && html`<p><${Link} params=${change(params, { article: String(next) })}>Read what stands in its place<//></p>`}`;
}

function Story({ article, params, heading }) {
  const lang = htmlLanguage(article.language);
  const [lead, ...images] = article.images.filter((image) => image.url);
  return html`<article class="story fading">
    <header lang=${lang} dir="auto">
      <h1 ref=${heading} tabindex="-1">${article.title}</h1>
      ${article.standfirst && html`<p class="standfirst" dir="auto">${article.standfirst}</p>`}
    </header>
    <${Byline} article=${article} params=${params} />
    <${Corrections} corrections=${article.corrections} lang=${lang} />
    ${lead && html`<${Picture} image=${lead} lang=${lang} />`}
    <${SafeHtml} class="body" text=${article.body} lang=${lang} dir="auto" />
    ${images.map((image) => html`<${Picture} key=${image.url} image=${image} lang=${lang} />`)}
    ${article.signature && html`<p class="signature" lang=${lang} dir="auto">${article.signature}</p>`}
    <${About} article=${article} params=${params} />
  </article>`;
}

function Byline({ article, params }) {
  const dates = [["Published", article.published_at, article.published_precision]];
  if (article.published_at !== null && article.updated_at > article.published_at) dates.push(["Changed", article.updated_at, "instant"]);
  return html`<p class="meta">
    ${article.dateline && html`<span dir="auto">${article.dateline.text}</span>`}
    ${article.authors.map((author) => html`<span key=${author.slug} dir="auto"><${Link} params=${only("author", author.slug)}>${author.name}<//></span>`)}
    ${dates.map(([title, at, precision]) => at && html`<span key=${title}>${title} <time datetime=${at}>${formatDate(at, precision)}</time></span>`)}
    <span>${nameLanguage(article.language)}</span>
    <span>${article.reading_minutes} min</span>
  </p>`;
}

function only(name, value) {
  return new URLSearchParams({ [name]: value });
}

function Corrections({ corrections, lang }) {
  if (corrections.length === 0) return null;
  return html`<section class="corrections" aria-label="Corrections">
    ${corrections.map((one) => html`<p key=${one.version}><strong>Corrected <time datetime=${one.at}>${formatDate(one.at)}</time>:</strong>
      ${" "}<span lang=${lang} dir="auto">${one.text}</span></p>`)}
  </section>`;
}

/** Only https gets past the page's policy; other addresses become a link. */
function Picture({ image, lang }) {
  const words = [image.caption, image.credit].filter(Boolean).join(" · ");
  if (!image.url.startsWith("https:")) {
    return html`<p class="small"><a href=${/^http:/i.test(image.url) ? image.url : undefined} rel="noopener noreferrer">${words || image.alt || "Picture"}</a></p>`;
  }
  const hide = (event) => event.target.classList.add("missing");
  return html`<figure>
    <img src=${image.url} alt=${image.alt ?? ""} width=${image.width} height=${image.height} loading="lazy" referrerpolicy="no-referrer" onError=${hide} />
    ${words && html`<figcaption lang=${lang} dir="auto">${words}</figcaption>`}
  </figure>`;
}

function About({ article, params }) {
  const rows = [
    ["Places", article.regions.map((region) => ({ ...region, filter: "region", note: region.roles.join(", ") }))],
    ["Tags", article.tags.filter((tag) => tag.kind !== "contributor").map((tag) => ({ ...tag, filter: tag.kind === "section" ? "section" : "tag" }))],
  ];
  return html`<dl class="about">
    ${rows.map(([title, items]) => items.length > 0 && html`<div key=${title}><dt>${title}</dt>
      <dd><ul class="bare labels">${items.map((item) => html`<li key=${item.slug} title=${item.note}>
        <${Link} params=${only(item.filter, item.slug)}><span dir="auto">${item.name}</span><//></li>`)}</ul></dd></div>`)}
    ${article.source?.name && html`<div><dt>Source</dt><dd dir="auto">${article.source.url
      ? html`<a href=${safeAddress(article.source.url)} rel="noopener noreferrer">${article.source.name}</a>` : article.source.name}</dd></div>`}
    ${article.url && html`<div><dt>On the site</dt><dd><a href=${safeAddress(article.url)}>${article.url}</a></dd></div>`}
    <div class="no-print"><dt>As</dt><dd><ul class="bare labels">${Object.entries(FORMATS).map(([format, title]) => html`<li key=${format}>
      <a href=${buildUrl(`v1/articles/${article.id}`, { format: format === "json" ? null : format, include: "body,related" })}>${title}</a></li>`)}</ul></dd></div>
  </dl>`;
}

/** An address that can only lead to a page: whatever else a source calls its address is text. */
export function safeAddress(address) {
  return /^https?:/i.test(address) ? address : undefined;
}
