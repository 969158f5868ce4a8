// Requests to the API: addresses, the visitor's key, and failures as problems with a sentence for people.
// Knows no endpoint; views name them. A key is kept in this tab only, and is never a part of an address.

import { explain } from "./sentences.js";

/** Where the API begins, with a slash at its end: scripts are served from `assets/` right below it. */
export const ROOT = new URL("..", import.meta.url);

const KEY = "dateline-key";
const MOST_WAITING = 5;
const MOST_ATTEMPTS = 3;
const keyListeners = new Set();
let keyInMemory = null;

/** A failure: `code` of the API's list, or `unreachable`; `detail` is a sentence; `retryAfter` in seconds, or null. */
export class Problem extends Error {
  constructor({ status = 0, code, detail, title = "", errors = [], requestId = null, retryAfter = null, document = null }) {
    super(detail);
    Object.assign(this, { status, code, detail, title, errors, requestId, retryAfter, document });
  }

  get sentence() {
    return explain(this);
  }
}

/** The key of this tab, or null. Storage may be forbidden: then the key lasts as long as the page. */
export function getKey() {
  try {
    return sessionStorage.getItem(KEY) ?? keyInMemory;
  } catch {
    return keyInMemory;
  }
}

/** Keeps a key for this tab; null forgets it. */
export function setKey(key) {
  keyInMemory = key;
  try {
    if (key === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, key);
  } catch {
    // In memory it is.
  }
  for (const listener of keyListeners) listener(key);
}

/** Calls `listener` with the key whenever it changes; returns what ends that. */
export function onKeyChange(listener) {
  keyListeners.add(listener);
  return () => keyListeners.delete(listener);
}

/** The address of a path such as `v1/search`. `params`: names with a value, or a list of values, each of which becomes
 * a parameter of its own; null, undefined and "" are left out. */
export function buildUrl(path, params = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, one);
    }
  }
  // A comma means itself in a query (RFC 3986, section 3.4), and lists are easier to read with it.
  url.search = url.search.replaceAll("%2C", ",");
  return url;
}

/** Sends a request; resolves to `{status, data, headers, etag}`, `data` being parsed JSON, or null without a body.
 * Rejects with a Problem, or with an AbortError. Where the server asks a read to wait for a few seconds, it waits. */
export async function send(url, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendOnce(url, options);
    } catch (error) {
      const isRead = (options.method ?? "GET") === "GET";
      const seconds = error instanceof Problem ? error.retryAfter : null;
      if (!isRead || seconds === null || seconds > MOST_WAITING || attempt === MOST_ATTEMPTS) throw error;
      await wait(seconds * 1000, options.signal);
    }
  }
}

async function sendOnce(url, { method = "GET", body, json, headers = {}, signal, ifMatch } = {}) {
  const sent = new Headers(headers);
  const key = getKey();
  if (key !== null) sent.set("Authorization", `Bearer ${key}`);
  if (json !== undefined) sent.set("Content-Type", sent.get("Content-Type") ?? "application/json");
  if (ifMatch !== undefined) sent.set("If-Match", ifMatch);
  let response;
  try {
    response = await fetch(url, { method, headers: sent, body: json === undefined ? body : JSON.stringify(json), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "unreachable", detail: "The server cannot be reached." });
  }
  const data = await readBody(response);
  if (!response.ok) throw makeProblem(response, data);
  if (typeof data === "string") throw new Problem({ status: response.status, code: "unreadable", detail: "The response is not the API's." });
  return { status: response.status, data, headers: response.headers, etag: response.headers.get("ETag") };
}

async function readBody(response) {
  const text = await response.text();
  if (text === "") return null;
  const type = response.headers.get("Content-Type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\b/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem({ status: response.status, code: "unreadable", detail: "The response broke off." });
  }
}

/** What a proxy says in place of the API has no `code`. */
function makeProblem(response, data) {
  const said = data !== null && typeof data === "object" ? data : {};
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Problem({
    status: response.status,
    code: said.code ?? "unreadable",
    title: said.title ?? "",
    detail: said.detail ?? `The server responded with status ${response.status}.`,
    errors: said.errors ?? [],
    requestId: said.request_id ?? response.headers.get("X-Request-Id"),
    retryAfter: Number.isNaN(seconds) ? null : seconds,
    document: data,
  });
}

function wait(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    });
  });
}
