// Tags, authors and regions of an article, with suggestions out of the archive's vocabulary while one types.

import { html } from "../shared/view.js";
import { buildUrl, send } from "../shared/api.js";
import { Combobox } from "./combobox.js";
import { nameTerm } from "./article/form.js";

const ROLES = ["about", "mention"];
const HOW_MANY = 8;

/** `kind`: tag, author or region. `known`: only what the archive has; else a new tag is made of what is typed. `roles`:
 * regions have roles, which are chosen here. */
export function TermPicker({ label, kind, terms, onChange, known = kind === "region", roles = false }) {
  const find = async (q, signal) => {
    if (kind === "region") return findRegions(q, signal);
    const { data } = await send(buildUrl("v1/suggest", { q, types: kind, limit: HOW_MANY }), { signal });
    const items = data.groups.flatMap((group) => group.items).map(({ ref, text, count }) => ({ key: ref, text, hint: count === null ? "" : String(count) }));
    return known || items.some((item) => isCalled(item, q)) ? items : [...items, { key: "", text: q, hint: `new ${kind}` }];
  };
  const add = ({ key, text }) => {
    const term = key === "" ? { name: text, kind: kind === "author" ? "contributor" : undefined } : { slug: key, name: text };
    if (terms.some((one) => nameTerm(one) === nameTerm(term))) return;
    onChange([...terms, kind === "region" ? { ...term, roles: ["about"] } : term]);
  };
  // One that is only like it may be another country.
  const addFree = (text, items) => {
    const item = items.find((one) => isCalled(one, text)) ?? (known ? null : { key: "", text });
    if (item !== null) add(item);
    return item !== null;
  };
  const change = (place, term) => onChange(terms.map((one, at) => (at === place ? term : one)));
  const remove = (place) => onChange(terms.filter((_, at) => at !== place));
  return html`<div class="terms">
    <${Combobox} label=${label} find=${find} onChoose=${add} onFree=${addFree} />
    <ul class="bare chips" aria-label=${label}>${terms.map((term, place) => html`<li key=${nameTerm(term)} class="chip">
      <span dir="auto">${term.name}</span>
      ${roles && html`<${Roles} term=${term} onChange=${(next) => change(place, next)} />`}
      ${term.slug === undefined && html`<span class="small">new</span>`}
      <button type="button" class="plain" aria-label=${`Remove ${term.name}`} onClick=${() => remove(place)}>✕</button></li>`)}</ul>
  </div>`;
}

/** Of all regions that there are: suggestions have only those with articles. */
async function findRegions(q, signal) {
  const { data } = await send(buildUrl("v1/regions", { q, limit: HOW_MANY }), { signal });
  return data.data.map(({ slug, name, level }) => ({ key: slug, text: name, hint: level }));
}

function isCalled({ text }, name) {
  return text.toLowerCase() === name.toLowerCase();
}

/** The role of the dateline follows from the dateline, and is only shown here. */
function Roles({ term, onChange }) {
  const toggle = (role) => {
    const roles = term.roles.includes(role) ? term.roles.filter((one) => one !== role) : [...term.roles, role];
    if (roles.length > 0) onChange({ ...term, roles });
  };
  return html`<span class="roles" role="group" aria-label=${`Roles of ${term.name}`}>${ROLES.map((role) => html`<button type="button" key=${role}
    aria-pressed=${term.roles.includes(role)} onClick=${() => toggle(role)}>${role}</button>`)}
    ${term.roles.includes("dateline") && html`<span class="small">dateline</span>`}</span>`;
}
