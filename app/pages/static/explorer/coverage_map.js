// Where the articles are about: countries in shades by their number, small ones as dots. A click picks a country; by
// keyboard the filter of places does the same, so that the map is a picture to whoever cannot see it.

import { html } from "../shared/view.js";
import { go, readAddress } from "../shared/router.js";
import { useRead } from "../shared/requests.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { countArticles, formatNumber } from "../shared/dates.js";
import { MAP_SIZE, NOT_DRAWN, loadShapes, useLoaded } from "./drawing.js";
import { MOST_VALUES, countriesUrl, coverageUrl, isNarrowed, listValues, toggle } from "./state.js";

const LEVELS = 5;
const DOT = 5;

/** `charted`: what is drawn, as its `params`; `params`: what is to be narrowed. `failed`: the code of the problem that
 * the list beside it tells of. */
export function CoverageMap({ params, charted, failed }) {
  const narrowed = isNarrowed(charted.params);
  const countries = useRead(countriesUrl());
  const coverage = useRead(narrowed ? coverageUrl(charted.params) : null);
  const { value: shapes, failed: isMissing } = useLoaded(loadShapes);
  const problem = countries.problem ?? (narrowed ? coverage.problem : null);
  if (problem !== null) return html`<${ProblemView} problem=${problem} retry=${countries.retry} aside=${["unauthorized", failed]} />`;
  const places = countPlaces(countries.data, narrowed ? coverage.data : null);
  const pick = (slug) => go(toggle(readAddress(), "region", slug));
  return html`<div class="map">
      ${shapes !== null && html`<${Drawing} shapes=${shapes} places=${places} picked=${listValues(params, "region")} pick=${pick} />`}
      ${isMissing && html`<p class="note">${NOT_DRAWN}</p>`}
    </div>
    <${Legend} places=${places} />
    <${RequestView} url=${narrowed ? coverageUrl(charted.params) : countriesUrl()} label="The request behind the map" />`;
}

/** Every country that the archive has articles about, with the number among those that are shown; null where a search
 * finds more countries than it lists, and this is none of the first. */
function countPlaces(countries, coverage) {
  const counted = coverage?.facets.region ?? null;
  const counts = counted && new Map(counted.map(({ value, count }) => [value, count]));
  const others = counted?.length === MOST_VALUES ? null : 0;
  return (countries?.features ?? []).map(({ properties, geometry }) => ({
    slug: properties.slug,
    name: properties.name,
    m49: properties.m49,
    point: geometry?.coordinates ?? null,
    count: counts === null ? properties.article_count : (counts.get(properties.slug) ?? others),
  }));
}

function Drawing({ shapes, places, picked, pick }) {
  const most = Math.max(1, ...places.map((place) => place.count));
  const byCode = new Map(places.map((place) => [place.m49, place]));
  const drawn = new Set(shapes.countries.map((country) => country.m49));
  const dots = places.filter((place) => !drawn.has(place.m49) && place.point !== null);
  return html`<svg viewBox="0 0 ${MAP_SIZE[0]} ${MAP_SIZE[1]}" role="img" aria-label=${describe(places)}>
    <path d=${shapes.outline} class="sea" />
    ${shapes.countries.map(({ m49, name, path }) => html`<${Country} key=${name} place=${byCode.get(m49)} name=${name}
      path=${path} most=${most} picked=${picked} pick=${pick} />`)}
    ${dots.map((place) => html`<${Dot} key=${place.slug} place=${place} at=${shapes.project(place.point)} most=${most}
      picked=${picked} pick=${pick} />`)}
  </svg>`;
}

function Country({ place, name, path, most, picked, pick }) {
  const [look, title, click] = present(place, name, most, picked, pick);
  return html`<path d=${path} class="country ${look}" onClick=${click}><title>${title}</title></path>`;
}

function Dot({ place, at, most, picked, pick }) {
  const [look, title, click] = present(place, place.name, most, picked, pick);
  return html`<circle cx=${at[0]} cy=${at[1]} r=${DOT} class="country ${look}" onClick=${click}><title>${title}</title></circle>`;
}

function present(place, name, most, picked, pick) {
  if (place === undefined) return ["", name, undefined];
  const level = place.count === 0 ? 0 : Math.max(1, Math.ceil((LEVELS * Math.log1p(place.count ?? 0)) / Math.log1p(most)));
  const look = `level-${level} can-pick ${picked.includes(place.slug) ? "picked" : ""}`;
  return [look, `${place.name}: ${place.count === null ? "few articles" : countArticles(place.count)}`, () => pick(place.slug)];
}

function describe(places) {
  const first = [...places].sort((one, other) => other.count - one.count).slice(0, 5).filter((place) => place.count > 0);
  if (first.length === 0) return "Map of coverage: no country";
  return `Map of coverage, the most in ${first.map((place) => `${place.name} (${place.count})`).join(", ")}. The filter of places picks countries, too.`;
}

function Legend({ places }) {
  const most = Math.max(0, ...places.map((place) => place.count));
  const covered = places.filter((place) => place.count !== 0).length;
  return html`<p class="small legend">
    <span>${formatNumber(covered)} ${covered === 1 ? "country" : "countries"}</span>
    ${most > 0 && html`<span class="scale" aria-hidden="true">few ${[1, 2, 3, 4, 5].map((level) => html`<i key=${level} class="level-${level}"></i>`)} ${formatNumber(most)}</span>`}
  </p>`;
}
