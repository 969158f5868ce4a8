// What components are written with: Preact, its hooks, and htm, which reads templates in place of a compiler.
// A file of its own among those that are sent: it is the same for all pages, and changes with its libraries only.

import { h, render, Fragment, createContext } from "../vendor/preact.mjs";
import { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from "../vendor/hooks.mjs";
import htm from "../vendor/htm.mjs";

export const html = htm.bind(h);
export { h, render, Fragment, createContext };
export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState };
