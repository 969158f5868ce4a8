// What becomes of an article: published now or at a time, taken back, withdrawn, binned, restored.

import { html, useState } from "../../shared/view.js";
import { buildUrl } from "../../shared/api.js";
import { formatDate } from "../../shared/dates.js";
import { RequestView } from "../../shared/request_view.js";
import { ActionButton, Dialog, StateBadge, toLocalInput, ZONE_NAME } from "../parts.js";

const HOUR = 3_600_000;

export function Publishing({ article, isDirty, scopes, save, change }) {
  const [asked, setAsked] = useState(null);
  const status = article?.status ?? "draft";
  const mayPublish = scopes.has("publish");
  const close = () => setAsked(null);
  const actions = listActions(status, article);
  return html`<section class="panel" aria-label="Publishing">
    <h2>Publishing</h2>
    <p><${StateBadge} status=${status} />${status === "scheduled" && html` <span class="small">${formatDate(article.published_at)}</span>`}</p>
    ${!mayPublish && html`<p class="small">This key cannot publish: it lacks the scope publish.</p>`}
    <div class="stack">${actions.map(({ name, title, isPrimary, needs, json }) => html`<${ActionButton} key=${name}
      class=${isPrimary ? "primary" : ""} disabled=${needs !== "write" && !mayPublish}
      onClick=${async () => (json === undefined ? setAsked(name) : save(json))}>${title(isDirty)}<//>`)}</div>
    ${asked === "schedule" && html`<${Schedule} article=${article} save=${save} onClose=${close} />`}
    ${asked === "withdraw" && html`<${Withdraw} article=${article} change=${change} onClose=${close} />`}
    ${asked === "trash" && html`<${Trash} article=${article} change=${change} onClose=${close} />`}
    ${asked === "restore" && html`<${Restore} article=${article} change=${change} onClose=${close} />`}
  </section>`;
}

/** `json`: what is saved at once; without it a question is asked first. */
function listActions(status, article) {
  // A draft without a date gets that of now; one that has a date, because it was public or imported, keeps it.
  const json = status === "scheduled" ? { status: "published", published_at: null } : { status: "published" };
  const publish = { name: "publish", title: (isDirty) => (isDirty ? "Save and publish now" : "Publish now"), isPrimary: true, json };
  const schedule = { name: "schedule", title: () => (status === "scheduled" ? "Change the time…" : "Schedule…") };
  const back = { name: "draft", title: () => "Back to draft", json: { status: "draft" } };
  const trash = { name: "trash", title: () => "Move to the bin…", needs: status === "draft" ? "write" : "publish" };
  if (status === "draft") return article === null ? [publish, schedule] : [publish, schedule, trash];
  return {
    scheduled: [publish, schedule, back, trash],
    published: [{ name: "withdraw", title: () => "Withdraw…" }, back],
    withdrawn: [{ ...publish, title: () => "Publish again" }, back],
    trashed: [{ name: "restore", title: () => "Take it out of the bin…", needs: "write" }],
  }[status];
}

function Schedule({ article, save, onClose }) {
  const [value, setValue] = useState(toLocalInput(article?.status === "scheduled" ? article.published_at : Date.now() + HOUR));
  const at = new Date(value);
  const isGood = !Number.isNaN(at.getTime()) && at > new Date();
  const json = { status: "scheduled", published_at: isGood ? at.toISOString().replace(".000Z", "Z") : null };
  const submit = async () => {
    await save(json);
    onClose();
  };
  return html`<${Dialog} title="Schedule" onClose=${onClose}>
    <label>Goes out at <input type="datetime-local" value=${value} onInput=${(event) => setValue(event.target.value)} /></label>
    <p class="small">In your time zone, ${ZONE_NAME}.${isGood ? ` That is ${json.published_at} in UTC.` : " Choose a time in the future."}</p>
    <${ActionButton} class="primary" disabled=${!isGood} onClick=${submit}>Schedule<//>
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
