// What becomes of an article: published now or at a time, taken back, withdrawn, binned, restored.

import { html, useState } from "../../shared/view.js";
import { buildUrl } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { RequestView } from "../../shared/request_view.js";
import { ActionButton, Dialog, StateBadge, toLocalInput, ZONE_NAME } from "../parts.js";

const HOUR = 3_600_000;

/** `save(json)` saves what is not saved with `json`, `requestOf(json)` is the request for that; `change` sends another. */
export function Publishing({ article, isDirty, scopes, save, change, requestOf }) {
  const [asked, setAsked] = useState(null);
  const status = article?.status ?? "draft";
  const mayPublish = scopes.has("publish");
  // What is done late does not close what is asked by then.
  const close = () => setAsked((now) => (now === asked ? null : now));
  const actions = listActions(status, article);
  const action = actions.find(({ name }) => name === asked);
  return html`<section class="panel" aria-label="Publishing">
    <h2>Publishing</h2>
    <p><${StateBadge} status=${status} />${status === "scheduled" && html` <span class="small">${formatDate(article.published_at)}</span>`}</p>
    ${!mayPublish && html`<p class="small">This key cannot publish: it lacks the scope publish.</p>`}
    <div class="stack">${actions.map(({ name, title, isPrimary, needs }) => html`<button type="button" key=${name}
      class=${isPrimary ? "primary" : ""} disabled=${needs !== "write" && !mayPublish} onClick=${() => setAsked(name)}>${title}…</button>`)}</div>
    ${action && html`<${action.form} ...${action} article=${article} isDirty=${isDirty} save=${save} change=${change} requestOf=${requestOf} onClose=${close} />`}
  </section>`;
}

/** What may become of an article in a state; each is asked for by a `form` before it is done. `json`: what is saved. */
function listActions(status, article) {
  // A draft without a date gets that of now; one that has a date, because it was public or imported, keeps it.
  const json = status === "scheduled" ? { status: "published", published_at: null } : { status: "published" };
  const publish = { name: "publish", title: status === "withdrawn" ? "Publish again" : "Publish now", isPrimary: true, form: Publish, json };
  const schedule = { name: "schedule", title: status === "scheduled" ? "Change the time" : "Schedule", form: Schedule };
  const back = { name: "draft", title: "Back to draft", form: BackToDraft, json: { status: "draft" } };
  const trash = { name: "trash", title: "Move to the bin", needs: status === "draft" ? "write" : "publish", form: Trash };
  if (status === "draft") return article === null ? [publish, schedule] : [publish, schedule, trash];
  return {
    scheduled: [publish, schedule, back, trash],
    published: [{ name: "withdraw", title: "Withdraw", form: Withdraw }, back],
    withdrawn: [publish, back],
    trashed: [{ name: "restore", title: "Take it out of the bin", needs: "write", form: Restore }],
  }[status];
}

function Publish({ article, isDirty, title, json, save, requestOf, onClose }) {
  const date = article?.published_at;
  const isDated = json.published_at === undefined && date;
  return html`<${SaveDialog} title=${title} action=${title} json=${json} save=${save} requestOf=${requestOf} onClose=${onClose}>
    <p>Everybody sees it at once${isDirty ? ", with what is not saved yet" : ""}.${isDated ? ` It keeps its date, ${formatDate(date, article.published_precision)}.` : ""}</p><//>`;
}

function BackToDraft({ article, isDirty, title, json, save, requestOf, onClose }) {
  return html`<${SaveDialog} title=${title} action="Make it a draft" json=${json} save=${save} requestOf=${requestOf} onClose=${onClose}>
    <p>${article.status === "published" ? "Readers do not find it any more." : "It is not published then."}${isDirty ? " What is not saved yet is saved with it." : ""}</p><//>`;
}

function Schedule({ article, isDirty, save, requestOf, onClose }) {
  const [value, setValue] = useState(toLocalInput(article?.status === "scheduled" ? article.published_at : Date.now() + HOUR));
  const at = new Date(value);
  const isGood = !Number.isNaN(at.getTime()) && at > new Date();
  const json = { status: "scheduled", published_at: isGood ? at.toISOString().replace(".000Z", "Z") : null };
  return html`<${SaveDialog} title="Schedule" action="Schedule" json=${json} isReady=${isGood} save=${save} requestOf=${requestOf} onClose=${onClose}>
    <label>Goes out at <input type="datetime-local" value=${value} onInput=${(event) => setValue(event.target.value)} /></label>
    <p class="small">In your time zone, ${ZONE_NAME}.${isGood ? ` That is ${json.published_at} in UTC.` : " Choose a time in the future."}
      ${isDirty ? " What is not saved yet is saved with it." : ""}</p><//>`;
}

/** A question whose answer is saved. */
function SaveDialog({ title, action, json, isReady = true, save, requestOf, onClose, children }) {
  const submit = async () => {
    await save(json);
    onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>${children}
    <${ActionButton} class="primary" disabled=${!isReady} onClick=${submit}>${action}<//>
    <${RequestView} ...${requestOf(json)} />
  <//>`;
}

function Withdraw({ article, change, onClose }) {
  const [reason, setReason] = useState("");
  const url = buildUrl(`v1/articles/${article.id}`, { reason: reason.trim() });
  const submit = async () => {
    await change(url, { method: "DELETE" }, "Withdrawn: readers are told that it is gone.");
    onClose();
  };
  return html`<${Dialog} title="Withdraw" onClose=${onClose}>
    <p>Readers get 410 at its address from then on, with the reason. Its versions stay.</p>
    <label>Reason, which everybody sees <textarea class="short" rows="2" maxlength="500" dir="auto" value=${reason}
      onInput=${(event) => setReason(event.target.value)}></textarea></label>
    <${ActionButton} class="primary" onClick=${submit}>Withdraw<//>
    <${RequestView} method="DELETE" url=${url} headers=${{ "If-Match": `"${article.version}"` }} />
  <//>`;
}

function Trash({ article, change, onClose }) {
  const url = buildUrl(`v1/articles/${article.id}`);
  const submit = async () => {
    await change(url, { method: "DELETE" }, "It is in the bin.");
    onClose();
  };
  return html`<${Dialog} title="Move to the bin" onClose=${onClose}>
    <p>It can be taken out again, with all its versions, until the bin is emptied.</p>
    <${ActionButton} class="primary" onClick=${submit}>Move to the bin<//>
    <${RequestView} method="DELETE" url=${url} headers=${{ "If-Match": `"${article.version}"` }} />
  <//>`;
}

function Restore({ article, change, onClose }) {
  const url = buildUrl(`v1/articles/${article.id}/restore`);
  const submit = async () => {
    await change(url, { method: "POST" }, "It is a draft again.");
    onClose();
  };
  return html`<${Dialog} title="Take it out of the bin" onClose=${onClose}>
    <p>It is a draft again, under its id and slug.</p>
    <${ActionButton} class="primary" onClick=${submit}>Restore<//>
    <${RequestView} method="POST" url=${url} />
  <//>`;
}
