// What charts need beside their data: the libraries, fetched when there is something to draw, and the page's colours,
// which a canvas has to be told.

import { useEffect, useState } from "../shared/view.js";

/** Of files of the version before a server knows nothing. */
export const NOT_DRAWN = "This cannot be drawn. Load the page again: the server may have been updated meanwhile.";

/** What a function of a promise resolves to, or null before; `failed` where it cannot be had. */
export function useLoaded(load) {
  const [state, setState] = useState({ value: null, failed: false });
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (value) => isCurrent && setState({ value, failed: false }),
      () => isCurrent && setState({ value: null, failed: true }),
    );
    return () => {
      isCurrent = false;
    };
  }, []);
  return state;
}

export function loadCharts() {
  return import("../shared/charts.js");
}

let shapes = null;

/** The countries of the world as paths by their M49 code, and the projection that they are drawn in. */
export function loadShapes() {
  shapes ??= drawShapes();
  return shapes;
}

export const MAP_SIZE = [960, 500];

async function drawShapes() {
  const address = new URL("../vendor/countries-110m.json", import.meta.url);
  const [{ feature, geoNaturalEarth1, geoPath }, atlas] = await Promise.all([
    loadCharts(),
    fetch(address).then((response) => response.json()),
  ]);
  const countries = feature(atlas, atlas.objects.countries);
  const projection = geoNaturalEarth1().fitSize(MAP_SIZE, { type: "Sphere" });
  const draw = geoPath(projection).digits(1);
  return {
    project: projection,
    outline: draw({ type: "Sphere" }),
    countries: countries.features.map((one) => ({ m49: one.id ?? null, name: one.properties.name, path: draw(one) })),
  };
}

/** Counts up whenever colours may have changed, so that what was drawn with them is drawn again. */
export function useThemeTurn() {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const next = () => setTurn((count) => count + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const observer = new MutationObserver(next);
    dark.addEventListener("change", next);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      dark.removeEventListener("change", next);
      observer.disconnect();
    };
  }, []);
  return turn;
}

/** The colour that a custom property stands for at the moment, within an element. */
export function readColour(element, property) {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
