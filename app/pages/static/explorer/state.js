// What the explorer shows, as it stands in the address. Parameters are called what the API calls them, and all by which
// a search finds and orders may be there; `article` alone is the page's own. Pure.

import { buildUrl } from "../shared/api.js";

/** Filters with checkboxes, in the order of their groups. */
export const FACETS = { section: "Section", region: "Place", tag: "Tag", author: "Author", language: "Language", source: "Source", year: "Year" };
export const PAGE_SIZE = 20;
export const MOST_VALUES = 200;
const FEW_VALUES = 20;
const SHOWN_FIELDS =
  "slug,title,standfirst,dateline.text,language,authors.name,tags,regions,published_at,published_precision,corrections";
/** How a response is shown, which the page decides itself. */
const OF_THE_PAGE = [
  "article", "count", "explain", "facet_limit", "facets", "fields", "format", "highlight", "include", "limit", "min_seq", "region_level",
];
/** Of a search, not of a filter: the timeline and feeds do not take them. */
export const OF_THE_LIST = [...OF_THE_PAGE, "sort", "cursor", "prefix", "page", "recency"];

/** A copy of `params` with changes: a value, a list of values, or null for none. Another list begins at its start. */
export function change(params, changes) {
  const copy = new URLSearchParams(params);
  for (const name of ["cursor", "page"]) copy.delete(name);
  for (const [name, value] of Object.entries(changes)) {
    copy.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== "") copy.append(name, one);
    }
  }
  return copy;
}

/** The values of a filter; the API also reads them with commas between. */
export function listValues(params, name) {
  return params.getAll(name).flatMap((value) => value.split(",")).filter((value) => value !== "");
}

/** A copy with one value of a filter added, or taken away where it is there. */
export function toggle(params, name, value) {
  const values = listValues(params, name);
  const others = values.filter((one) => one !== value);
  return change(params, { [name]: others.length === values.length ? [...values, value] : others });
}

/** Whether anything narrows what is shown. */
export function isNarrowed(params) {
  return [...params.keys()].some((name) => !OF_THE_LIST.includes(name));
}

function toObject(params, left) {
  const object = {};
  for (const name of new Set(params.keys())) {
    if (!left.includes(name)) object[name] = params.getAll(name);
  }
  return object;
}

/** The search behind the results. `all`: more values of facets. */
export function searchUrl(params, all) {
  return buildUrl("v1/search", {
    ...toObject(params, OF_THE_PAGE),
    limit: PAGE_SIZE,
    facets: Object.keys(FACETS).join(","),
    facet_limit: all ? MOST_VALUES : FEW_VALUES,
    region_level: "country",
    highlight: params.get("q") ? "title,standfirst,body" : null,
    fields: SHOWN_FIELDS,
  });
}

/** Articles over time. The dates that were picked are left out: they are a part of what the timeline shows. `relaxed`:
 * whether the search shows articles with some of the words, too, which only a search by relevance decides for itself. */
export function timelineUrl(params, interval, relaxed) {
  const filters = toObject(params, [...OF_THE_LIST, "published_from", "published_to"]);
  if (relaxed) filters.match = "any";
  return buildUrl("v1/timeline", { ...filters, q: finishWord(params), interval });
}

/** The timeline takes no `prefix`; a star is the same within the query. */
function finishWord(params) {
  const q = params.get("q") ?? "";
  return params.get("prefix") === "true" && /[\p{L}\p{N}]$/u.test(q) ? `${q}*` : q;
}

/** Countries with articles, and where they lie. */
export function countriesUrl() {
  return buildUrl("v1/regions", { format: "geojson", level: "country", include: "counts", min_articles: 1 });
}

/** Articles of each country among what is shown; a picked place does not hide the others. */
export function coverageUrl(params) {
  return buildUrl("v1/search", {
    ...toObject(params, [...OF_THE_PAGE, "sort", "cursor", "page", "recency"]),
    limit: 1,
    fields: "id",
    facets: "region",
    region_level: "country",
    facet_limit: MOST_VALUES,
  });
}

/** The feed of what is shown, in one of the API's forms. */
export function feedUrl(params, form) {
  return buildUrl(`feeds/articles.${form}`, toObject(params, OF_THE_LIST));
}
