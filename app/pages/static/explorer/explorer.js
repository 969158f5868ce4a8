// The explorer at the root of the server: what is published, searched, counted, placed and read. It knows nothing that
// the public API does not tell, and shows the request behind each of its views.

import { html, render, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../shared/view.js";
import { PageHeader } from "../shared/header.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { go, useAddress } from "../shared/router.js";
import { useRead } from "../shared/requests.js";
import { applyTheme } from "../shared/theme.js";
import { ArticleView } from "./article.js";
import { CoverageMap } from "./coverage_map.js";
import { Facets, collectNames } from "./facets.js";
import { Results } from "./results.js";
import { SearchBox } from "./search_box.js";
import { Picked, Summary } from "./summary.js";
import { Timeline } from "./timeline.js";
import { focusFirstResult, focusResult, useKeys } from "./keys.js";
import { change, feedUrl, searchUrl } from "./state.js";

const LINKS = [["guides", "Guides"], ["docs", "Endpoints"]];
const WIDE = matchMedia("(min-width: 62rem)");
/** Milliseconds after a list before its charts are asked for. */
const PAUSE = 60;
/** In the document's head, which the server has written for the address that it was asked for first. */
const FEEDS = { "application/atom+xml": "atom", "application/rss+xml": "rss", "application/feed+json": "json" };

function Explorer({ siteName }) {
  const [params] = useAddress();
  const field = useRef(null);
  const id = params.get("article");
  const back = () => go(withoutArticle(params));
  // Whoever opens an article by its address has asked for no list yet.
  const hasList = useRef(false);
  hasList.current ||= id === null;
  useKeys(field, id === null ? null : back);
  useReturn(id);
  useHead(params, id, siteName);
  return html`<${PageHeader} title=${siteName} links=${LINKS}>
      <${SearchBox} params=${params} field=${field} onDown=${focusFirstResult} />
    <//>
    <main id="main" tabindex="-1">
      ${id === null && html`<h1 class="off-screen">Explore the archive</h1>`}
      <div class="explorer" hidden=${id !== null}>${hasList.current && html`<${Search} params=${params} />`}</div>
      ${id !== null && html`<${ArticleView} key=${id} params=${params} id=${id} />`}
    </main>`;
}

function withoutArticle(params) {
  const copy = new URLSearchParams(params);
  copy.delete("article");
  return copy;
}

/** The list stays while an article is read, and is as it was when its reader comes back. */
function useReturn(id) {
  const last = useRef({ id, top: 0 });
  useLayoutEffect(() => {
    if (id === null && last.current.id !== null) {
      scrollTo({ top: last.current.top });
      focusResult(last.current.id);
    }
    last.current.id = id;
    const remember = () => {
      if (id === null) last.current.top = scrollY;
    };
    addEventListener("scroll", remember, { passive: true });
    return () => removeEventListener("scroll", remember);
  }, [id]);
}

function useHead(params, id, siteName) {
  const query = String(params);
  useEffect(() => {
    if (id === null) document.title = `${params.get("q") || "Explorer"} – ${siteName}`;
    for (const link of document.querySelectorAll("link[rel=alternate]")) link.href = feedUrl(params, FEEDS[link.type]);
  }, [query]);
}

function Search({ params }) {
  const [hasAll, setAll] = useState(false);
  const list = withoutArticle(params);
  const url = searchUrl(list, hasAll);
  const { data, problem, isSlow, retry, url: responded } = useRead(url);
  const charted = useCharted(list, data?.query ?? null, responded === String(url));
  const names = useMemo(() => collectNames(data), [data]);
  const counted = useLater(data);
  const narrowed = String(change(list, { q: null, prefix: null, sort: null }));
  // With every key the list alone is rendered at once.
  const filters = useMemo(() => html`<${Panel} title="Filters" class="filters">
      <${Facets} params=${list} facets=${counted?.facets} names=${collectNames(counted)} hasAll=${hasAll} onAll=${() => setAll(true)} />
    <//>`, [counted, narrowed, hasAll]);
  const charts = useMemo(() => html`<div class="charts">
      <${Panel} title="Over time"><${Timeline} params=${list} charted=${charted} failed=${problem?.code} /><//>
      <${Panel} title="By country"><${CoverageMap} params=${list} charted=${charted} failed=${problem?.code} /><//>
    </div>`, [charted, narrowed, problem?.code]);
  return html`${filters}${charts}
    <section class="found" aria-label="Search results" aria-busy=${isSlow}>
      ${isSlow && html`<p class="waiting over" role="status">Searching …</p>`}
      ${problem && html`<${ProblemView} problem=${problem} retry=${retry} /><${Picked} params=${list} names=${names} />`}
      ${problem === null && data && html`<${Summary} params=${list} response=${data} names=${names} />`}
      <${RequestView} url=${url} label="The request behind this list" />
      ${problem === null && data && html`<${Results} params=${list} response=${data} />`}
    </section>`;
}

/** A value when the frame with what is waited for has been painted. */
function useLater(value) {
  const [later, setLater] = useState(value);
  useEffect(() => {
    let timer = null;
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => setLater(value));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [value]);
  return later;
}

/** What the charts are of: the list whose response has come, and how its query was read. The list is waited for with
 * every key; its charts follow when the keys pause, so that they do not take the server's time from it. */
function useCharted(params, query, isCurrent) {
  const [charted, setCharted] = useState({ params, query });
  useEffect(() => {
    if (!isCurrent) return undefined;
    const timer = setTimeout(() => setCharted({ params, query }), PAUSE);
    return () => clearTimeout(timer);
  }, [String(params), query, isCurrent]);
  return charted;
}

/** A part that is open where there is room for it. What is closed asks nothing of the server. */
function Panel({ title, children, ...rest }) {
  const [isOpen, setOpen] = useState(WIDE.matches);
  return html`<details open=${isOpen} onToggle=${(event) => setOpen(event.target.open)} ...${rest}>
    <summary><h2>${title}</h2></summary>${isOpen && children}</details>`;
}

const siteName = document.title.replace(/^.*? – /, "");
document.documentElement.dataset.siteName = siteName;
applyTheme();
const place = document.getElementById("page");
place.replaceChildren();
render(html`<${Explorer} siteName=${siteName} />`, place);
