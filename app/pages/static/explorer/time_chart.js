// The timeline's bars, drawn by uPlot. Knows buckets and pixels, and nothing of addresses.

import { html, useEffect, useRef } from "../shared/view.js";
import { NOT_DRAWN, loadCharts, readColour, useLoaded, useThemeTurn } from "./drawing.js";

const HEIGHT = 150;
const AXIS = 40;
const LEAST_DRAG = 4;

/** `picked`: seconds from and to, either of which may be null, or null. `onPick` takes the numbers of the first and the
 * last bucket, `onPoint` that under the pointer, or null. */
export function TimeChart({ buckets, picked, onPick, onPoint }) {
  const place = useRef(null);
  const chart = useRef(null);
  const handlers = useRef({});
  const { value: charts, failed } = useLoaded(loadCharts);
  const turn = useThemeTurn();
  handlers.current = { onPick, onPoint, buckets, picked };
  useEffect(() => {
    if (charts === null || buckets.length === 0) return undefined;
    const element = place.current;
    const drawn = new charts.uPlot(makeOptions(charts.uPlot, element, buckets, handlers), makeData(buckets), element);
    chart.current = drawn;
    const observer = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: HEIGHT });
      showPicked(drawn, handlers.current.picked);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
      chart.current = null;
    };
  }, [charts, buckets, turn]);
  useEffect(() => {
    if (chart.current !== null) showPicked(chart.current, picked);
  }, [charts, buckets, turn, picked?.[0], picked?.[1]]);
  return html`<div ref=${place} class="time-chart-place"></div>${failed && html`<p class="note">${NOT_DRAWN}</p>`}`;
}

function makeData(buckets) {
  return [buckets.map((bucket) => Date.parse(bucket.start) / 1000), buckets.map((bucket) => bucket.count)];
}

function makeOptions(uPlot, place, buckets, handlers) {
  const [bar, text, line] = ["--accent", "--soft", "--line"].map((name) => readColour(place, name));
  const end = Date.parse(buckets.at(-1).end) / 1000;
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const most = Math.max(1, ...buckets.map((bucket) => bucket.count));
  return {
    width: place.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { range: () => [Date.parse(buckets[0].start) / 1000, end] }, y: { range: () => [0, most * 1.05] } },
    axes: [
      { ...axis, size: AXIS, gap: 2, grid: { show: false } },
      { ...axis, size: 34, gap: 2, space: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5] },
    ],
    series: [{}, { fill: bar, stroke: bar, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.86, 48], align: 1 }) }],
    hooks: {
      setSelect: [(chart) => finishDrag(chart, handlers.current)],
      setCursor: [(chart) => handlers.current.onPoint(chart.cursor.left >= 0 ? findBucket(chart, chart.cursor.left, handlers.current.buckets) : null)],
      ready: [(chart) => chart.over.addEventListener("click", (event) => click(chart, event, handlers.current))],
    },
  };
}

/** The bucket at a place in pixels: the last that begins before it. */
function findBucket(chart, left, buckets) {
  const seconds = chart.posToVal(left, "x");
  const starts = chart.data[0];
  let at = starts.length - 1;
  while (at > 0 && starts[at] > seconds) at -= 1;
  return Math.min(at, buckets.length - 1);
}

function finishDrag(chart, { onPick, buckets }) {
  const { left, width } = chart.select;
  if (width < LEAST_DRAG) return;
  onPick(findBucket(chart, left, buckets), findBucket(chart, left + width - 1, buckets));
}

function click(chart, event, { onPick, buckets }) {
  if (chart.cursor.drag.isDragging || chart.select.width >= LEAST_DRAG) return;
  const at = findBucket(chart, event.offsetX, buckets);
  onPick(at, at);
}

function showPicked(chart, picked) {
  const { min, max } = chart.scales.x;
  const size = chart.over.clientWidth;
  if (picked === null || min === undefined) {
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    return;
  }
  const clip = (seconds) => Math.min(size, Math.max(0, ((seconds - min) / (max - min)) * size));
  const left = picked[0] === null ? 0 : clip(picked[0]);
  const right = picked[1] === null ? size : clip(picked[1]);
  chart.setSelect({ left, width: Math.max(right - left, 1), top: 0, height: chart.over.clientHeight }, false);
}
