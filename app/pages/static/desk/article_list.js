// Articles by their state, with a search in all of them, and a selection that many are edited by at once.

import { html, useEffect, useRef, useState } from "../shared/view.js";
import { buildUrl } from "../shared/api.js";
import { countArticles, formatDate } from "../shared/dates.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { useDebounced, useRead } from "../shared/requests.js";
import { Link, go } from "../shared/router.js";
import { useTypedQuery } from "../shared/typed_query.js";
import { BulkBar, BulkEdit } from "./bulk_bar.js";
import { Pages, Query, StateBadge } from "./parts.js";
import { listUnsaved } from "./article/unsaved.js";

const SHOWN = 30;
const PAUSE = 200;
const EDITABLE = "input, textarea, select";
/** Lists by name: how they are called, and which articles they hold. */
const LISTS = {
  drafts: { title: "Drafts", status: "draft", sort: "-updated_at", empty: "No drafts." },
  scheduled: { title: "Scheduled", status: "scheduled", sort: "published_at", empty: "Nothing is scheduled." },
  published: { title: "Published", status: "published", sort: "-published_at", empty: "Nothing is published." },
  withdrawn: { title: "Withdrawn", status: "withdrawn", sort: "-updated_at", empty: "Nothing is withdrawn." },
  bin: { title: "Bin", status: "trashed", sort: "-updated_at", empty: "The bin is empty." },
  unresolved: {
    title: "Unresolved posts", status: ["draft", "scheduled", "published"], has: "unresolved", sort: "-updated_at",
    empty: "Every related post leads to an article.",
  },
};

/** The list that is shown unless an address names another. */
export const FIRST_LIST = "drafts";

function findList(params) {
  const name = params.get("list") ?? FIRST_LIST;
  return Object.hasOwn(LISTS, name) ? name : FIRST_LIST;
}

export function nameList(params) {
  return LISTS[findList(params)].title;
}

export function ArticleList({ params, scopes }) {
  const name = findList(params);
  const { title, empty, ...filter } = LISTS[name];
  const q = params.get("q") ?? "";
  const url = buildUrl("v1/articles", { ...filter, q, limit: SHOWN, cursor: params.get("cursor") });
  const { data, problem, isSlow, reload, url: responded } = useRead(url);
  const rows = data?.data ?? [];
  const { chosen, setChosen } = useSelection(rows, responded);
  const [edited, setEdited] = useState(null);
  const closeEdit = () => {
    setEdited(null);
    reload();
  };
  return html`<${Unsaved} />
    <h1>${title}</h1>
    <${Tabs} name=${name} q=${q} />
    <${SearchField} name=${name} q=${q} key=${name} />
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} />`}
    ${isSlow && html`<p class="waiting" role="status">Looking…</p>`}
    ${data && html`<p class="small" role="status">${describeTotal(data.page, q, empty)}</p>`}
    ${data?.warnings.map((one) => html`<p class="small" key=${one.detail}>${one.detail}</p>`)}
    ${rows.length > 0 && html`<${BulkBar} rows=${rows} chosen=${chosen} setChosen=${setChosen} onEdit=${() => setEdited([...chosen])} />`}
    ${edited !== null && html`<${BulkEdit} ids=${edited} scopes=${scopes} onClose=${closeEdit} />`}
    <ul class="bare articles">${rows.map((article) => html`<${Row} key=${article.id} article=${article} chosen=${chosen}
      setChosen=${setChosen} hasStates=${Array.isArray(filter.status)} />`)}</ul>
    ${data && html`<${Pages} params=${params} page=${data.page} />`}
    <${RequestView} url=${url} />`;
}

/** Numbers of the rows that are selected. Never one that is not shown: rows of the list before stay until the next
 * response comes, and what is selected among them is not carried into it. */
function useSelection(rows, url) {
  const [selection, setSelection] = useState({ url, ids: new Set() });
  const chosen = new Set(selection.url === url ? rows.map(({ id }) => id).filter((id) => selection.ids.has(id)) : []);
  return { chosen, setChosen: (ids) => setSelection({ url, ids }) };
}

function describeTotal({ total, total_is: kind }, q, empty) {
  if (total === 0) return q === "" ? empty : `Nothing here has the words “${q}”.`;
  if (total === null) return "";
  return kind === "at_least" ? `At least ${countArticles(total)}` : countArticles(total);
}

function Tabs({ name, q }) {
  return html`<nav class="tabs" aria-label="Lists">${Object.entries(LISTS).map(([key, { title }]) => html`
    <${Link} key=${key} params=${new Query({ list: key, q })} aria-current=${key === name ? "page" : undefined}>${title}<//>`)}</nav>`;
}

function SearchField({ name, q }) {
  const { typed, setTyped, tellSent } = useTypedQuery(q);
  const search = useDebounced((text) => {
    tellSent(text.trim());
    go(new Query({ list: name, q: text.trim() }), { replace: true });
  }, PAUSE);
  const type = (event) => {
    setTyped(event.target.value);
    search(event.target.value);
  };
  const field = useRef(null);
  useEffect(() => {
    const press = (event) => {
      if (event.key !== "/" || event.metaKey || event.ctrlKey || event.altKey || event.target.matches?.(EDITABLE)) return;
      event.preventDefault();
      field.current.focus();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return html`<form role="search" onSubmit=${(event) => event.preventDefault()}>
    <label class="list-search">Search in this list
      <input type="search" ref=${field} aria-keyshortcuts="/" value=${typed} onInput=${type} dir="auto" maxlength="512" autocomplete="off" /></label>
  </form>`;
}

function Row({ article, chosen, setChosen, hasStates }) {
  const choose = (event) => {
    const next = new Set(chosen);
    if (event.target.checked) next.add(article.id);
    else next.delete(article.id);
    setChosen(next);
  };
  const title = article.title || "(no title)";
  return html`<li class="article-row">
    <input type="checkbox" checked=${chosen.has(article.id)} onChange=${choose} aria-label=${`Select “${title}”`} />
    <div>
      <${Link} params=${new Query({ article: article.id })} dir="auto" class="article-title">${title}<//>
      <p class="small">${hasStates && html`<${StateBadge} status=${article.status} /> `}${describe(article)}</p>
    </div></li>`;
}

function describe({ status, published_at: at, published_precision: precision, updated_at: changed, authors, tags }) {
  const when = status === "scheduled" ? `goes out ${formatDate(at)}`
    : status === "published" ? formatDate(at, precision) : `changed ${formatDate(changed)}`;
  const names = [...authors, ...tags.slice(0, 3)].map(({ name }) => name);
  return [when, ...names].filter((one) => one !== "").join(" · ");
}

/** What this tab keeps of articles that are not open. */
function Unsaved() {
  const [kept, setKept] = useState([]);
  // Behind the rendering: an editor that makes room for this list keeps its text when it goes.
  useEffect(() => setKept(listUnsaved()), []);
  if (kept.length === 0) return null;
  return html`<aside class="notice" aria-label="Not saved">
    <p>This tab keeps text that is not saved:</p>
    <ul>${kept.map(({ id, form, at }) => html`<li key=${id}>
      <${Link} params=${new Query({ article: id })} dir="auto">${form.title || "(no title)"}<//> <span class="small">${formatDate(at)}</span></li>`)}</ul>
  </aside>`;
}
