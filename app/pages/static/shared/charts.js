// What the timeline and the map are drawn with. Fetched only when there is something to draw.

import uPlot from "../vendor/uPlot.iife.min.js";
import { geoNaturalEarth1, geoPath } from "../vendor/d3-geo.min.mjs";
import topojson from "../vendor/topojson-client.min.js";

export const feature = topojson.feature;
export const mesh = topojson.mesh;
export { uPlot, geoNaturalEarth1, geoPath };
