// Many articles changed alike: those that are selected, as a job with its progress, which can be undone.

import { html, useState } from "../shared/view.js";
import { buildUrl, send } from "../shared/api.js";
import { countArticles } from "../shared/dates.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { ActionButton, Dialog } from "./parts.js";
import { Record, useRecord } from "./records.js";
import { TermPicker } from "./term_picker.js";

const STATES = { "": "leave as it is", draft: "draft", published: "published", withdrawn: "withdrawn", trashed: "in the bin" };
/** What comes of a state for readers. */
const TOLD = {
  published: "Everybody sees all of them at once.",
  draft: "Readers do not find any of them then.",
  withdrawn: "Readers are told that those which they have seen are gone.",
  trashed: "Readers do not find any of them then.",
};
const URL_OF_BULK = buildUrl("v1/articles/bulk");

export function BulkBar({ rows, chosen, setChosen, onEdit }) {
  const all = rows.every(({ id }) => chosen.has(id));
  const chooseAll = () => setChosen(all ? new Set() : new Set(rows.map(({ id }) => id)));
  return html`<div class="bulk">
    <label class="check"><input type="checkbox" checked=${all} onChange=${chooseAll} /> All on this page</label>
    <button type="button" disabled=${chosen.size === 0} onClick=${onEdit}>
      ${chosen.size === 0 ? "Edit the selection" : `Edit ${countArticles(chosen.size)}`}</button>
  </div>`;
}

/** Of the articles that were selected when it was opened, whatever the list behind it shows since. */
export function BulkEdit({ ids, scopes, onClose }) {
  return html`<${Dialog} title=${`Edit ${countArticles(ids.length)}`} onClose=${onClose}>
    <${BulkForm} ids=${ids} scopes=${scopes} /><//>`;
}

function BulkForm({ ids, scopes }) {
  const [edit, setEdit] = useState({ add_tags: [], remove_tags: [], add_regions: [], remove_regions: [], status: "" });
  const [problem, setProblem] = useState(null);
  const [begun, setBegun] = useState(null);
  const change = (name) => (value) => setEdit({ ...edit, [name]: value });
  const json = makeBody(ids, edit);
  const isEmpty = Object.keys(json).length === 1;
  const submit = async () => {
    setProblem(null);
    try {
      setBegun((await send(URL_OF_BULK, { method: "POST", json })).data);
    } catch (error) {
      setProblem(error);
    }
  };
  if (begun !== null) return html`<${Progress} id=${begun.id} scopes=${scopes} />`;
  return html`<div class="fields">
    <${TermPicker} label="Add tags" kind="tag" terms=${edit.add_tags} onChange=${change("add_tags")} />
    <${TermPicker} label="Remove tags" kind="tag" terms=${edit.remove_tags} onChange=${change("remove_tags")} known />
    <${TermPicker} label="Add regions" kind="region" terms=${edit.add_regions} onChange=${change("add_regions")} />
    <${TermPicker} label="Remove regions" kind="region" terms=${edit.remove_regions} onChange=${change("remove_regions")} />
    <label>State <select value=${edit.status} onChange=${(event) => change("status")(event.target.value)}>
      ${Object.entries(STATES).map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
    ${problem && html`<${ProblemView} problem=${problem} />`}
    ${TOLD[edit.status] && html`<p class="warning">${TOLD[edit.status]}</p>`}
    <${ActionButton} class="primary" onClick=${submit} disabled=${isEmpty}>${edit.status === "published" ? "Publish" : "Change"} ${countArticles(ids.length)}<//>
    <${RequestView} method="POST" url=${URL_OF_BULK} json=${json} />
  </div>`;
}

function Progress({ id, scopes }) {
  const { record, problem, reload } = useRecord(id);
  if (problem) return html`<${ProblemView} problem=${problem} retry=${reload} />`;
  return record && html`<${Record} record=${record} scopes=${scopes} onChanged=${reload} />`;
}

function makeBody(ids, { status, ...lists }) {
  const body = { ids };
  for (const [name, terms] of Object.entries(lists)) {
    if (terms.length > 0) body[name] = terms.map(({ slug, name: called }) => slug ?? { name: called });
  }
  return status === "" ? body : { ...body, status };
}
