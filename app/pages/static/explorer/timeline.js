// Articles over time. Drawing across it, or a click on a bar, picks a period; two fields do the same by keyboard.

import { html, useEffect, useMemo, useState } from "../shared/view.js";
import { go, readAddress } from "../shared/router.js";
import { useRead } from "../shared/requests.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { countArticles, formatDate } from "../shared/dates.js";
import { TimeChart } from "./time_chart.js";
import { firstDay, lastDay, namePeriod, readPeriod } from "./periods.js";
import { change, timelineUrl } from "./state.js";

/** With fewer months than this, days tell more. */
const FEW_MONTHS = 3;

/** `charted`: what is drawn, as `params`, with `query`, how the search read it, which is null while that is not known;
 * `params`: what is to be narrowed. `failed`: the code of the problem that the list beside it tells of. */
export function Timeline({ params, charted, failed }) {
  const [{ data, problem, retry }, url] = useTimeline(charted);
  const [pointed, setPointed] = useState(null);
  const picked = readPicked(params);
  const buckets = useMemo(() => dropEmptyEnd(data?.buckets ?? [], picked?.[1] ?? 0), [data, picked?.[1]]);
  const pick = (first, last) => {
    const [from, to] = [namePeriod(buckets[first].start, data.interval), namePeriod(buckets[last].start, data.interval)];
    go(change(readAddress(), { published_from: from, published_to: to, article: null }));
  };
  if (problem !== null && problem.code !== "too_many_buckets") return html`<${ProblemView} problem=${problem} retry=${retry} aside=${["unauthorized", failed]} />`;
  return html`<div class="time-chart" role="img" aria-label=${describe(data, buckets)}>
      <${TimeChart} buckets=${buckets} picked=${picked} onPick=${pick} onPoint=${setPointed} />
    </div>
    <p class="small pointed" aria-hidden="true">${tell(data, buckets[pointed])}</p>
    <${Period} params=${params} />
    <${RequestView} url=${url} label="The request behind the timeline" />`;
}

/** By month; by year where those are too many, by day where they are few. */
function useTimeline({ params, query }) {
  const relaxed = query?.relaxed ?? false;
  const base = String(timelineUrl(params, "month", relaxed));
  const [chosen, setChosen] = useState({ base: null, interval: null });
  const interval = chosen.base === base ? chosen.interval : "month";
  const url = timelineUrl(params, interval, relaxed);
  const read = useRead(query === null && params.get("q") ? null : url);
  const { data, problem } = read;
  const isCurrent = read.url === String(url);
  const isLong = isCurrent && problem?.code === "too_many_buckets" && interval === "month";
  const isShort = isCurrent && problem === null && interval === "month" && data?.buckets.length < FEW_MONTHS && data.buckets.length > 0;
  useEffect(() => {
    if (isLong) setChosen({ base, interval: "year" });
    if (isShort) setChosen({ base, interval: "day" });
  }, [isLong, isShort, base]);
  return [read, url];
}

function readPicked(params) {
  const [from, to] = [readPeriod(params.get("published_from")), readPeriod(params.get("published_to"))];
  return from === null && to === null ? null : [from?.[0] ?? null, to?.[1] ?? null];
}

/** Buckets lead up to today. Those behind the last article, and behind what is picked, would only make the others small. */
function dropEmptyEnd(buckets, pickedUntil) {
  const last = buckets.findLastIndex(({ start, count }) => count > 0 || Date.parse(start) / 1000 < pickedUntil);
  return buckets.slice(0, last + 1);
}

function describe(data, buckets) {
  if (buckets.length === 0) return "No articles over time";
  const most = buckets.reduce((best, one) => (one.count > best.count ? one : best));
  const [first, last] = [buckets[0], buckets.at(-1)];
  return `Articles by ${data.interval}, from ${formatDate(first.start, data.interval)} to ${formatDate(last.start, data.interval)}; ` +
    `the most in ${formatDate(most.start, data.interval)}: ${countArticles(most.count)}`;
}

/** What the bar under the pointer stands for; else what has no bar. */
function tell(data, bucket) {
  if (bucket) return `${formatDate(bucket.start, data.interval)}: ${countArticles(bucket.count)}`;
  const left = (data?.undated ?? 0) + (data?.too_coarse ?? 0);
  if (data?.buckets.length === 0) return left > 0 ? "No article here has a date that is exact enough" : "There is nothing to draw";
  return left > 0 ? `${countArticles(left)} without so exact a date` : "Draw across bars to pick a period";
}

/** A period as two days. */
function Period({ params }) {
  const from = params.get("published_from");
  const to = params.get("published_to");
  const set = (name) => (event) => {
    // While a year is typed, a browser has years such as 0002.
    if (event.target.value === "" || event.target.value >= "1000") go(change(readAddress(), { [name]: event.target.value }));
  };
  return html`<div class="period">
    <label>From <input type="date" value=${firstDay(from)} onChange=${set("published_from")} /></label>
    <label>to <input type="date" value=${lastDay(to)} onChange=${set("published_to")} /></label>
    ${(from ?? to) !== null && html`<button type="button" onClick=${() => go(change(readAddress(), { published_from: null, published_to: null }))}>All</button>`}
  </div>`;
}
