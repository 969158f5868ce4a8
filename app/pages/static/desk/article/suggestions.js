// What the archive suggests for an article: to be accepted, as an edit, or refused, so that it does not come back.

import { html, useEffect, useRef } from "../../shared/view.js";
import { buildUrl } from "../../shared/api.js";
import { nameLanguage } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { useRead } from "../../shared/requests.js";
import { Link } from "../../shared/router.js";
import { ActionButton, Query } from "../parts.js";

const KINDS = { language: "Language", region: "Region", duplicate: "Nearly the same as" };
const KINDS_OF_TAGS = { contributor: "Author", section: "Section" };
const MOST_SHOWN = 12;

export function Suggestions({ article, change }) {
  const url = buildUrl(`v1/articles/${article.id}/suggestions`, { state: "open" });
  const { data, problem, reload } = useRead(url);
  const known = useRef(article.version);
  useEffect(() => {
    if (known.current !== article.version) reload();
    known.current = article.version;
  }, [article.version]);
  const decide = async (one, state) => {
    const address = buildUrl(`v1/articles/${article.id}/suggestions/${one.id}`);
    if (await change(address, { method: "PUT", json: { state } }, `${nameOf(one)}: ${state}.`)) reload();
  };
  const all = sortSuggestions(data?.data ?? []);
  const rows = all.slice(0, MOST_SHOWN);
  return html`<section class="panel" aria-label="Suggestions"><h2>Suggestions</h2>
    ${problem && html`<${ProblemView} problem=${problem} retry=${reload} aside=${["unauthorized"]} />`}
    ${data && rows.length === 0 && html`<p class="small">Nothing is open.</p>`}
    <ul class="bare rows">${rows.map((one) => html`<li key=${one.id} class="suggestion">
      <div><span class="small">${KINDS[one.kind] ?? KINDS_OF_TAGS[one.tag.kind] ?? "Tag"}</span> ${one.article
        ? html`<${Link} params=${new Query({ article: one.article.id })} dir="auto">${one.article.title}<//>`
        : html`<strong dir="auto">${nameOf(one)}</strong>`}
        ${one.roles.length > 0 && html`<span class="small"> ${one.roles.join(", ")}</span>`}
        ${one.evidence && html`<p class="small" dir="auto">${one.evidence}</p>`}</div>
      <div class="row-buttons">
        <${ActionButton} onClick=${() => decide(one, "accepted")} aria-label=${`Accept ${nameOf(one)}`}>Accept<//>
        <${ActionButton} class="plain" onClick=${() => decide(one, "refused")} aria-label=${`Refuse ${nameOf(one)}`}>Refuse<//></div></li>`)}</ul>
    ${all.length > rows.length && html`<p class="small">${all.length - rows.length} more follow when these are decided.</p>`}
    <${RequestView} url=${url} />
  </section>`;
}

/** That the same is here already is to be known first. */
function sortSuggestions(rows) {
  return [...rows.filter(({ kind }) => kind === "duplicate"), ...rows.filter(({ kind }) => kind !== "duplicate")];
}

function nameOf({ language, region, tag, article }) {
  return language === null ? (region ?? tag ?? { name: article?.title }).name : nameLanguage(language);
}
