// Above the results: how many there are, how the query was read, what narrows them, and their order.

import { html } from "../shared/view.js";
import { Link, go } from "../shared/router.js";
import { countArticles, formatNumber } from "../shared/dates.js";
import { FACETS, OF_THE_LIST, change, isNarrowed, listValues, toggle } from "./state.js";

const SORTS = { relevance: "Best match", "-published_at": "Newest first", published_at: "Oldest first" };

export function Summary({ params, response, names }) {
  const { page, query } = response;
  return html`<div class="summary">
    <p role="status" class="total">${countTotal(page)}</p>
    <label class="sort">Order
      <select value=${query.sort} onChange=${(event) => go(change(params, { sort: event.target.value }))}>
        ${Object.entries(SORTS).map(([value, title]) => (value === "relevance" && !params.get("q") ? null
          : html`<option key=${value} value=${value} selected=${value === query.sort}>${title}</option>`))}
      </select></label>
  </div>
  <${Picked} params=${params} names=${names} />
  <${Reading} params=${params} query=${query} />
  ${response.warnings.map((warning) => html`<p class="note" key=${warning.detail}>${warning.detail}</p>`)}`;
}

function countTotal(page) {
  if (page.total === null) return "Articles";
  return page.total_is === "at_least" ? `More than ${formatNumber(page.total)} articles` : countArticles(page.total);
}

/** Everything that narrows the list, each with a way to take it away. */
export function Picked({ params, names }) {
  if (!isNarrowed(params)) return null;
  const chips = Object.entries(FACETS).flatMap(([name, title]) =>
    listValues(params, name).map((value) => ({ key: `${name} ${value}`, text: `${title}: ${names(name, value)}`, to: toggle(params, name, value) })));
  const period = describePeriod(params);
  if (period) chips.push({ key: "period", text: period, to: change(params, { published_from: null, published_to: null }) });
  for (const name of new Set(params.keys())) {
    if (!isKnown(name)) chips.push({ key: name, text: `${name}: ${params.getAll(name).join(", ")}`, to: change(params, { [name]: null }) });
  }
  if (chips.length === 0) return null;
  const cleared = new URLSearchParams(params.get("q") ? { q: params.get("q") } : {});
  return html`<ul class="bare chips" aria-label="Narrowed by">
    ${chips.map((chip) => html`<li key=${chip.key}><${Link} class="chip" params=${chip.to}
      aria-label=${`Remove ${chip.text}`}><span dir="auto">${chip.text}</span> <span aria-hidden="true">×</span><//></li>`)}
    ${chips.length > 1 && html`<li><${Link} class="chip" params=${cleared}>Remove all<//></li>`}
  </ul>`;
}

function isKnown(name) {
  return name in FACETS || OF_THE_LIST.includes(name) || ["q", "published_from", "published_to"].includes(name);
}

function describePeriod(params) {
  const from = params.get("published_from");
  const to = params.get("published_to");
  if (from === null && to === null) return null;
  if (from === to) return `Published: ${from}`;
  if (to === null) return `Published from ${from}`;
  return from === null ? `Published until ${to}` : `Published: ${from} to ${to}`;
}

/** How the query was read where that is not as it was typed. */
function Reading({ params, query }) {
  const notes = query.notes.map((note) => html`<p class="note" key=${note.code + note.detail}>${note.detail}
    ${note.filter && html` <${Link} params=${applyFilter(params, note.filter)}>Show only those<//>`}</p>`);
  const corrected = query.corrections.map(({ word, read_as: words }) => html`<p class="note" key=${word}>
    No article has <q>${word}</q>; it is read as ${words.map((one, at) => html`${at ? " or " : ""}<q>${one}</q>`)}.</p>`);
  return html`${corrected}
    ${query.did_you_mean && html`<p class="note">Did you mean
      ${" "}<${Link} params=${change(params, { q: query.did_you_mean, prefix: null })}><strong>${query.did_you_mean}</strong><//>?</p>`}
    ${query.relaxed && html`<p class="note">Few articles have all words; those with some of them follow.</p>`}
    ${notes}`;
}

/** A filter that a note names, such as `region=nato`, in place of the query. */
function applyFilter(params, filter) {
  const changes = { q: null, prefix: null, sort: null };
  for (const [name, value] of new URLSearchParams(filter)) changes[name] = [...listValues(params, name), value];
  return change(params, changes);
}
