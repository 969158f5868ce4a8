// Requests of components: the newest wins, older ones are aborted, and what was shown stays until there is something
// newer, so that nothing jumps.

import { useCallback, useEffect, useMemo, useRef, useState } from "./view.js";
import { onKeyChange, send } from "./api.js";

/** Milliseconds before a view says that it waits: what comes sooner would only flicker. */
export const PATIENCE = 150;

const RETRY = "dateline-retry";
const NOTHING = { data: null, problem: null, isSlow: false, url: null };

/** What a GET of `url` returns: `{data, problem, isSlow, url, reload, retry}`. `url` null asks nothing. `data` and `url`
 * are of the last response that came; `isSlow` says that a newer one is waited for. Asked again when the key changes, and
 * by `reload`. `retry` asks again for all that failed on the page, which mostly has one cause; so does a network that
 * comes back. */
export function useRead(url) {
  const [state, setState] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  const address = url === null ? null : String(url);
  useEffect(() => onKeyChange(reload), [reload]);
  const hasFailed = state.problem !== null;
  useEffect(() => {
    if (!hasFailed) return undefined;
    addEventListener(RETRY, reload);
    addEventListener("online", reload);
    return () => {
      removeEventListener(RETRY, reload);
      removeEventListener("online", reload);
    };
  }, [hasFailed, reload]);
  useEffect(() => {
    if (address === null) {
      setState(NOTHING);
      return undefined;
    }
    const controller = new AbortController();
    const timer = setTimeout(() => setState((old) => ({ ...old, isSlow: true })), PATIENCE);
    const finish = (news) => {
      clearTimeout(timer);
      if (!controller.signal.aborted) setState((old) => ({ ...old, isSlow: false, ...news }));
    };
    send(address, { signal: controller.signal }).then(
      ({ data }) => finish({ data, problem: null, url: address }),
      (problem) => finish({ problem, url: address }),
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [address, turn]);
  return { ...state, reload, retry };
}

function retry() {
  dispatchEvent(new Event(RETRY));
}

/** A function that runs `callback` once nothing has called it for so many milliseconds; `isEager`: the first time after
 * so long a silence at once. Its `cancel()` forgets the last call. */
export function useDebounced(callback, milliseconds, { isEager = false } = {}) {
  const latest = useRef(callback);
  const timer = useRef(null);
  const called = useRef(-Infinity);
  latest.current = callback;
  useEffect(() => () => clearTimeout(timer.current), []);
  return useMemo(() => {
    const call = (...values) => {
      clearTimeout(timer.current);
      const isFirst = performance.now() - called.current > milliseconds;
      called.current = performance.now();
      if (isEager && isFirst) latest.current(...values);
      else timer.current = setTimeout(() => latest.current(...values), milliseconds);
    };
    call.cancel = () => clearTimeout(timer.current);
    return call;
  }, [milliseconds, isEager]);
}
