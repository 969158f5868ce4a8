// Filters with counts. Several values of a group can be picked: any of them will do; groups narrow one another.

import { html, useState } from "../shared/view.js";
import { go, readAddress } from "../shared/router.js";
import { formatNumber, nameLanguage } from "../shared/dates.js";
import { FACETS, listValues, toggle } from "./state.js";

const FIRST = 6;

/** `facets` as a search returns them; `names` leads from a filter and a value to a name. `onAll` asks for more values
 * than the first of each. What is picked is added to the address as it is then: while one types, it goes on. */
export function Facets({ params, facets, names, hasAll, onAll }) {
  return html`<div class="facets">
    ${Object.entries(FACETS).map(([name, title]) => html`<${FacetGroup} key=${name} name=${name} title=${title}
      params=${params} values=${facets?.[name] ?? []} names=${names} hasAll=${hasAll} onAll=${onAll} />`)}
  </div>`;
}

function FacetGroup({ name, title, params, values, names, hasAll, onAll }) {
  const [isLong, setLong] = useState(false);
  const picked = listValues(params, name);
  const rows = addPicked(values, picked, names, name);
  if (rows.length === 0) return null;
  const shown = isLong ? rows : rows.filter((row, at) => at < FIRST || picked.includes(row.value));
  const showAll = () => {
    setLong(!isLong);
    if (!isLong && !hasAll) onAll();
  };
  return html`<fieldset class="facet">
    <legend>${title}</legend>
    <ul class="bare ${isLong ? "long" : ""}" tabindex=${isLong ? 0 : undefined} aria-label=${title}>
      ${shown.map((row) => html`<li key=${row.value}><label>
        <input type="checkbox" checked=${picked.includes(row.value)} onChange=${() => go(toggle(readAddress(), name, row.value))} />
        <span class="facet-name" dir="auto">${row.name}</span>
        <span class="facet-count">${row.count === null ? "" : formatNumber(row.count)}</span></label></li>`)}
    </ul>
    ${rows.length > FIRST && html`<button type="button" class="plain more" aria-expanded=${isLong} onClick=${showAll}>
      ${isLong ? "Fewer" : "More"}<span class="off-screen"> of ${title}</span></button>`}
  </fieldset>`;
}

/** In the order of their counts, which picking does not change, so that nothing jumps; what was picked and is not
 * counted stands at the end. */
function addPicked(values, picked, names, name) {
  const counted = new Set(values.map((one) => one.value));
  const missing = picked.filter((value) => !counted.has(value)).map((value) => ({ value, count: null }));
  return [...values, ...missing].map((one) => ({ ...one, name: names(name, one.value, one.name) }));
}

/** A function from a filter and one of its values to what it is called, as far as a response tells: by its facets, else
 * by the articles in it. */
export function collectNames(response) {
  const known = new Map();
  for (const { article } of response?.data ?? []) {
    for (const { slug, name } of article.regions ?? []) known.set(`region ${slug}`, name);
    for (const { slug, name, kind } of article.tags ?? []) {
      known.set(`tag ${slug}`, name);
      if (kind === "section") known.set(`section ${slug}`, name);
    }
  }
  for (const [facet, values] of Object.entries(response?.facets ?? {})) {
    for (const { value, name } of values) known.set(`${facet} ${value}`, name);
  }
  return (facet, value, name) =>
    facet === "language" ? nameLanguage(value) : (name ?? known.get(`${facet} ${value}`) ?? value);
}
