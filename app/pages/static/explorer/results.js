// The results, a page at a time: what was found, where it matched, and how to go on.

import { html } from "../shared/view.js";
import { Link, go } from "../shared/router.js";
import { Marked } from "../shared/marked.js";
import { formatDate, htmlLanguage, nameLanguage } from "../shared/dates.js";
import { ROOT } from "../shared/api.js";
import { change, isNarrowed } from "./state.js";

const MOST_LABELS = 4;

export function Results({ params, response }) {
  if (response.data.length === 0) return html`<${Nothing} params=${params} />`;
  return html`<ol class="bare results" aria-label="Results">
    ${response.data.map((hit) => html`<${Hit} key=${hit.article.id} hit=${hit} params=${params} />`)}
  </ol>
  <${Pages} params=${params} page=${response.page} />`;
}

function Hit({ hit: { article, highlights }, params }) {
  const lang = htmlLanguage(article.language);
  return html`<li><article>
    <h2 lang=${lang} dir="auto"><${Link} class="result" params=${withArticle(params, article.slug)} data-slug=${article.slug}>
      ${highlights.title?.length ? html`<${Marked} text=${highlights.title[0]} />` : article.title}<//></h2>
    <p class="meta"><${Facts} article=${article} /></p>
    <p lang=${lang} dir="auto" class="excerpt"><${Excerpt} article=${article} highlights=${highlights} /></p>
    <${Labels} article=${article} params=${params} />
  </article></li>`;
}

/** The page's address with an article in it; what was searched stays, to come back to. */
export function withArticle(params, slug) {
  const copy = new URLSearchParams(params);
  copy.set("article", slug);
  return copy;
}

function Facts({ article }) {
  // A date that is no more exact than the dateline is the dateline's.
  const isOwn = article.dateline === null || article.published_precision === "instant";
  const date = isOwn ? formatDate(article.published_at, article.published_precision) : null;
  const facts = [article.dateline?.text, date, ...article.authors.map((author) => author.name)];
  if (article.corrections.length) facts.push("corrected");
  return html`${facts.filter(Boolean).map((fact) => html`<span dir="auto" key=${fact}>${fact}</span>`)}
    <span class="language">${nameLanguage(article.language)}</span>`;
}

function Excerpt({ article, highlights }) {
  const fragments = [...(highlights.body ?? [])];
  if (fragments.length === 0 && highlights.standfirst?.length) fragments.push(highlights.standfirst[0]);
  if (fragments.length === 0) return article.standfirst;
  const [first, second] = fragments;
  // Where one breaks off and the next begins within a sentence, one ellipsis says so.
  const rest = second && (first.endsWith("…") ? second.replace(/^… /, "") : second);
  return html`<${Marked} text=${first} />${rest && html` <${Marked} text=${rest} />`}`;
}

function Labels({ article, params }) {
  const places = article.regions.filter((region) => region.level === "country" && region.roles.includes("about"));
  const tags = article.tags.filter((tag) => tag.kind !== "contributor");
  const labels = [
    ...tags.map((tag) => ({ filter: tag.kind === "section" ? "section" : "tag", ...tag })),
    ...places.map((place) => ({ filter: "region", ...place })),
  ].slice(0, MOST_LABELS);
  if (labels.length === 0) return null;
  return html`<ul class="bare labels" aria-label="About">
    ${labels.map(({ filter, slug, name }) => html`<li key=${filter + slug}>
      <${Link} params=${change(params, { [filter]: slug })}><span dir="auto">${name}</span><//></li>`)}
  </ul>`;
}

function Pages({ params, page }) {
  if (page.next === null && page.previous === null) return null;
  const turn = (cursor) => {
    const copy = new URLSearchParams(params);
    copy.delete("page");
    copy.set("cursor", cursor);
    go(copy);
    scrollTo({ top: 0 });
  };
  return html`<nav class="pages" aria-label="Pages of results">
    <button type="button" disabled=${page.previous === null} onClick=${() => turn(page.previous)}>← Previous</button>
    <button type="button" disabled=${page.next === null} onClick=${() => turn(page.next)}>Next →</button>
  </nav>`;
}

/** What may help where nothing was found. */
function Nothing({ params }) {
  const q = params.get("q");
  if (!isNarrowed(params)) {
    return html`<div class="nothing"><p>Nothing is published in this archive yet.</p>
      <p>Articles come in through the API or by <code>dateline import</code>; the <a href=${new URL("guides/importing", ROOT)}>guides</a> say how.</p></div>`;
  }
  const withoutFilters = new URLSearchParams(q ? { q } : {});
  const hasFilters = isNarrowed(change(params, { q: null }));
  return html`<div class="nothing"><p>No article matches${q ? html` <strong dir="auto">${q}</strong>` : ""}${hasFilters ? " with what narrows it" : ""}.</p>
    <ul>
      ${hasFilters && html`<li><${Link} params=${withoutFilters}>${q ? "Search everything" : "Show everything"}<//></li>`}
      ${q?.includes('"') && html`<li><${Link} params=${change(params, { q: q.replaceAll('"', "") })}>Search without the quotation marks<//></li>`}
      ${q && html`<li><${Link} params=${change(params, { q, match: "any", prefix: null })}>Search for any of the words<//></li>`}
      ${q && html`<li>Fewer words, or another spelling, may find more.</li>`}
    </ul></div>`;
}
