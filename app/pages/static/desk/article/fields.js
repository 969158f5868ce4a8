// What an article says of itself, field by field.

import { html } from "../../shared/view.js";
import { BodyField } from "./body_field.js";
import { RelatedField } from "./related_field.js";
import { TermPicker } from "../term_picker.js";

const EMPTY_IMAGE = { url: "", alt: "", caption: "", credit: "" };
const IMAGE_LABELS = { url: "Address", alt: "Text for those who do not see it", caption: "Caption", credit: "Credit" };
const PRECISIONS = { 0: "none", 4: "year", 7: "month", 10: "day" };
const DATE = "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?";

export function ArticleFields({ form, setForm, setBody, own }) {
  const change = (name) => (value) => setForm((old) => ({ ...old, [name]: value }));
  const read = (name) => (event) => change(name)(event.target.value);
  return html`<div class="fields">
    <label>Title <input class="title-field" value=${form.title} maxlength="500" dir="auto" onInput=${read("title")} /></label>
    <label>Standfirst <textarea rows="2" class="short" value=${form.standfirst} maxlength="5000" dir="auto" onInput=${read("standfirst")}></textarea></label>
    <${BodyField} body=${form.body} language=${form.language || "und"} onChange=${change("body")}
      onTurn=${setBody} />
    <${DatelineField} dateline=${form.dateline} onChange=${change("dateline")} />
    <div class="columns">
      <${TermPicker} label="Tags" kind="tag" terms=${form.tags} onChange=${change("tags")} />
      <${TermPicker} label="Regions" kind="region" roles terms=${form.regions} onChange=${change("regions")} />
      <${TermPicker} label="Authors" kind="author" terms=${form.authors} onChange=${change("authors")} />
      <label>Language <input value=${form.language} maxlength="35" size="8" placeholder="as recognised" onInput=${read("language")} />
        <span class="small">A code such as en, fr or pt-br; und where nobody knows.</span></label>
    </div>
    <${RelatedField} posts=${form.related} own=${own} onChange=${change("related")} />
    <${ImagesField} images=${form.images} onChange=${change("images")} />
  </div>`;
}

/** Nothing invents a day: the date is as exact as it is written. */
function DatelineField({ dateline, onChange }) {
  const read = (name) => (event) => onChange({ ...dateline, [name]: event.target.value });
  const precision = PRECISIONS[dateline.date.length] ?? "not finished";
  return html`<fieldset class="dateline"><legend>Dateline</legend>
    <label>As printed <input value=${dateline.text} maxlength="500" dir="auto" placeholder="Brussels, December 2025." onInput=${read("text")} /></label>
    <label>Place <input value=${dateline.place} maxlength="500" dir="auto" disabled=${dateline.text === ""} onInput=${read("place")} /></label>
    <label>Date, as exact as it is known <input value=${dateline.date} pattern=${DATE} maxlength="10" inputmode="numeric"
      placeholder="2025, 2025-12 or 2025-12-03" disabled=${dateline.text === ""} onInput=${read("date")} />
      <span class="small" role="status">Precision: ${precision}</span></label>
  </fieldset>`;
}

function ImagesField({ images, onChange }) {
  const change = (place, name) => (event) => onChange(images.map((one, at) => (at === place ? { ...one, [name]: event.target.value } : one)));
  const remove = (place) => onChange(images.filter((_, at) => at !== place));
  return html`<fieldset class="images"><legend>Images</legend>
    ${images.map((image, place) => html`<div class="image" key=${place} role="group" aria-label=${`Image ${place + 1}`}>
      ${/^https:/i.test(image.url ?? "") && html`<img src=${image.url} alt="" referrerpolicy="no-referrer" loading="lazy" />`}
      ${Object.entries(IMAGE_LABELS).map(([name, label]) => html`<label key=${name}>${label}
        <input type=${name === "url" ? "url" : "text"} value=${image[name] ?? ""} dir=${name === "url" ? "ltr" : "auto"} onInput=${change(place, name)} /></label>`)}
      <button type="button" class="plain" onClick=${() => remove(place)} aria-label=${`Remove image ${place + 1}`}>Remove</button>
    </div>`)}
    <button type="button" onClick=${() => onChange([...images, EMPTY_IMAGE])}>Add an image by its address</button>
  </fieldset>`;
}
