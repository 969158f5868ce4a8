// Saving an article: one change after the other, each upon the version that the one before has made. What is typed
// meanwhile stays, and what somebody else has saved is never overwritten.

import { useCallback, useRef, useState } from "../../shared/view.js";
import { buildUrl, send } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { PATIENCE } from "../../shared/requests.js";
import { previewBody, turnInto } from "./body_field.js";
import { FIELDS, findDifferences, isSame, makeForm, makePatch, rebase } from "./form.js";
import { makeKey } from "../parts.js";

const NOTHING = { text: "", warnings: [] };
const OVERTAKEN = "Somebody has saved the article meanwhile: this is their version. What you asked for was not done.";

/** `state`: `base`, the version that is open as article and form; `form`; `said`, of the last save; `failure`, a problem
 * with `retry` where that may help; `theirs`, a newer version as article and form while there is a conflict, with the
 * state that was `wanted`; `isSlow`, whether a save is waited for. `update(change)` changes it, `save(extra)` sends what
 * differs with `extra`, `change(address, options, text)` sends another change of the article; both resolve to whether it
 * was done. `requestOf(extra)` is the request that `save` sends. `onCreated` gets the number of a new article when it
 * has one, `onDone` the state after each change. */
export function useSaving({ start, onCreated, onDone }) {
  const [latest, update] = useLatest({ ...start, said: NOTHING, failure: null, theirs: null, isSlow: false });
  const queue = useRef(Promise.resolve());
  const key = useRef(makeKey());
  const attempts = useRef([]);
  const enqueue = (work) => {
    const timer = setTimeout(() => update(() => ({ isSlow: true })), PATIENCE);
    const finish = () => {
      clearTimeout(timer);
      if (latest.current.isSlow) update(() => ({ isSlow: false }));
      onDone(latest.current);
    };
    // A conflict is decided before anything else is sent.
    const done = queue.current.then(() => latest.current.theirs === null && work());
    queue.current = done.then(finish, finish);
    return done;
  };

  /** Goes on upon the article as it is now; what was changed here since `sent` stays changed. */
  const adopt = (next, sent, text, headers) => update((old) => {
    const upon = sent ?? old.base.form;
    const isKnown = sent !== undefined || next.body === old.base.article.body;
    const nextForm = makeForm(next, isKnown ? upon.body : { notation: "html", text: next.body });
    const said = { text, warnings: JSON.parse(headers.get("Dateline-Warnings") ?? "[]") };
    return { base: { article: next, form: nextForm }, form: rebase(old.form, upon, nextForm).form, keptAt: null, failure: null, said };
  });
  /** Of a conflict both versions are shown; whatever else went wrong is told, and `retry` offered where it may help. */
  const fail = async (problem, retry, extra) => {
    if (problem.code !== "precondition_failed") return update(() => ({ failure: { problem, retry }, said: NOTHING }));
    try {
      const { base } = latest.current;
      const article = (await send(addressOf(base.article.id))).data;
      const clean = (one) => dropMadeCorrection(one, base.article, article);
      const form = clean(latest.current.form);
      const upon = await makeTheirForm(base, form, article);
      // What is typed while their version is on its way stays, too.
      update((old) => (hasEverything(upon, base.form, form)
        ? { base: { article, form: upon }, form: rebase(clean(old.form), form, upon).form, keptAt: null, failure: null, said: { ...NOTHING, text: tellFound(article, extra) } }
        : { form: clean(old.form), theirs: { article, form: upon, wanted: extra?.status ?? null }, failure: null, said: NOTHING }));
    } catch (another) {
      update(() => ({ failure: { problem: another, retry }, said: NOTHING }));
    }
    return undefined;
  };
  /** `sent`: the form of which the change is; `extra`: what a save was asked for beside it. */
  const sendChange = async ({ url: address, headers: _, ...options }, text, { sent, retry, extra } = {}) => {
    update(() => ({ failure: null }));
    try {
      const { data, headers } = await send(address, { ifMatch: nameVersion(latest.current.base.article), ...options });
      adopt(data, sent, text, headers);
      return true;
    } catch (error) {
      await fail(error, retry, extra);
      return false;
    }
  };
  const create = async (extra, retry) => {
    update(() => ({ failure: null }));
    const attempt = { form: latest.current.form, request: requestOf(extra) };
    try {
      const { data, headers, form } = await postOnce([attempt, ...attempts.current], key.current);
      adopt(data, form, extra.status === undefined ? "" : describeSaved(extra), headers);
      onCreated(data.id);
      return true;
    } catch (error) {
      if (mayBeDone(error)) attempts.current = [attempt, ...attempts.current];
      update(() => ({ failure: { problem: error, retry }, said: NOTHING }));
      return false;
    }
  };
  const requestOf = (extra = {}) => {
    const { base, form } = latest.current;
    if (base.article === null) {
      return { method: "POST", url: buildUrl("v1/articles"), json: prune({ ...makePatch(form, FIELDS), ...extra }) };
    }
    const json = { ...makePatch(form, findDifferences(form, base.form), base.form), ...extra };
    return { method: "PATCH", url: addressOf(base.article.id), json, headers: { "If-Match": nameVersion(base.article) } };
  };
  const save = (extra = {}) => enqueue(() => {
    const retry = () => save(extra);
    const { base, form } = latest.current;
    if (Object.keys(extra).length === 0 && findDifferences(form, base.form).length === 0) return true;
    if (base.article === null) return create(extra, retry);
    const request = requestOf(extra);
    return sendChange(request, describeSaved(request.json), { sent: form, retry, extra });
  });
  const change = (address, options, text) => enqueue(() => sendChange({ url: address, ...options }, text));
  return { state: latest.current, update, save, change, requestOf };
}

/** A state that is current at once for what goes on meanwhile, which a rendering is not. */
function useLatest(initial) {
  const latest = useRef(initial);
  const [, setTurn] = useState(0);
  const update = useCallback((change) => {
    latest.current = { ...latest.current, ...change(latest.current) };
    setTurn((turn) => turn + 1);
  }, []);
  return [latest, update];
}

/** Sends a new article. Nobody knows what became of an attempt without a response: all have the same key, by which one
 * of them is carried out, and where that was an earlier one, it is sent again as it was. Resolves to the response and the
 * form that it is of. */
async function postOnce(attempts, key) {
  let conflict = null;
  for (const { form, request: { url, ...options } } of attempts) {
    try {
      return { ...(await send(url, { ...options, headers: { "Idempotency-Key": key } })), form };
    } catch (error) {
      if (error.code !== "idempotency_conflict") throw error;
      conflict = error;
    }
  }
  throw conflict;
}

function mayBeDone({ status, code }) {
  return status === 0 || status >= 500 || code === "request_in_progress";
}

/** A form without the correction that the article has had since: its response was lost. */
function dropMadeCorrection(form, { version }, { corrections }) {
  const isMade = corrections.some((one) => one.version > version && one.text === form.correction.trim());
  return isMade ? { ...form, correction: "" } : form;
}

/** Their version as a form, with a body in the notation of the form here where it can be, and as it is here where both
 * say the same. */
async function makeTheirForm(base, form, article) {
  if (article.body === base.article.body) return makeForm(article, base.form.body);
  if (!isSame(form.body, base.form.body) && (await previewBody(form.body)).body === article.body) return makeForm(article, form.body);
  return makeForm(article, await turnInto(form.body.notation, article.body));
}

/** Whether their version has all that was changed here: a save whose response was lost has been carried out. */
function hasEverything(theirs, base, form) {
  const merged = rebase(form, base, theirs);
  return merged.open.length === 0 && findDifferences(merged.form, theirs).length === 0;
}

function tellFound({ status }, extra) {
  return extra !== undefined && (extra.status === undefined || extra.status === status) ? describeSaved(extra) : OVERTAKEN;
}

function addressOf(id) {
  return buildUrl(`v1/articles/${id}`);
}

function nameVersion({ version }) {
  return `"${version}"`;
}

function describeSaved({ status, correction, published_at: at }) {
  if (status === "scheduled") return `Goes out ${formatDate(at)}.`;
  return { published: "Published.", draft: "It is a draft again." }[status] ?? (correction ? "Corrected." : "Saved.");
}

/** A new article says nothing of what it does not have. */
function prune(json) {
  const isEmpty = (value) => value === null || value === "" || value === "und" || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(json).filter(([name, value]) => !isEmpty(value) && !(name === "body" && Object.values(value)[0] === "")));
}
