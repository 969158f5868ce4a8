// An article as it is edited: from what the API shows to fields, and back to what a PATCH changes. Pure.

/** Fields that are lists of things with a name of their own, which two people may change side by side. */
export const LISTS = ["authors", "tags", "regions"];
export const FIELDS = ["title", "standfirst", "body", "language", "dateline", ...LISTS, "images", "related", "correction"];
export const LABELS = {
  title: "Title", standfirst: "Standfirst", body: "Text", language: "Language", dateline: "Dateline", authors: "Authors",
  tags: "Tags", regions: "Regions", images: "Images", related: "Related posts", status: "State", slug: "Slug",
  corrections: "Corrections", published_at: "Date of publication", first_published_at: "First published", source: "Source",
  seo: "Search engines", translation_of: "Original", external_id: "External id", signature: "Signature",
  published_precision: "Precision of the date", replaced_by: "Replaced by", correction: "Correction",
};
const NEW = {
  title: "", standfirst: null, body: "", language: null, dateline: null, authors: [], tags: [], regions: [], images: [],
  related: [],
};

/** The fields of an article. A body is a notation with its text; a correction is of the next save, and then none. */
export function makeForm(article = NEW, body = { notation: "html", text: article.body }) {
  return {
    title: article.title,
    standfirst: article.standfirst ?? "",
    body,
    language: article.language ?? "",
    dateline: {
      text: article.dateline?.text ?? "", place: article.dateline?.place ?? "", date: article.dateline?.date ?? "",
    },
    authors: article.authors,
    tags: article.tags,
    regions: article.regions,
    images: article.images.map((image) => ({ ...image, alt: image.alt ?? "", caption: image.caption ?? "", credit: image.credit ?? "" })),
    related: article.related.filter(({ kind }) => kind !== "similar").map(makeEntry),
    correction: "",
  };
}

function makeEntry({ article, title, url, unlinked }) {
  return { article: article === null ? null : { id: article.id, title: article.title, status: article.status }, title, url, unlinked };
}

/** Names of the fields in which two forms differ. */
export function findDifferences(form, other) {
  return FIELDS.filter((name) => !isSame(form[name], other[name]));
}

/** Whether two values hold the same. With every key that is pressed it is asked of a text of a megabyte. */
export function isSame(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => isSame(one[name], other[name]));
}

/** What is sent of these fields of a form; `base` is the form that they were changed in. */
export function makePatch(form, names, base = null) {
  const patch = Object.fromEntries(names.map((name) => [name, render(name, form[name], base)]));
  // The region of a dateline follows from the dateline: one that is changed brings its own.
  if (patch.dateline !== undefined && patch.regions !== undefined) {
    patch.regions = patch.regions.map(({ slug, roles }) => ({ slug, roles: roles.filter((role) => role !== "dateline") })).filter(({ roles }) => roles.length > 0);
  }
  return patch;
}

function render(name, value, base) {
  if (name === "body") return { [value.notation]: value.text };
  if (name === "standfirst") return value.trim() === "" ? null : value;
  if (name === "correction") return value.trim();
  if (name === "language") return value.trim() === "" ? "und" : value.trim();
  if (name === "dateline") return value.text.trim() === "" ? null : renderDateline(value, base?.dateline);
  if (name === "images") return value.map((image) => fill(image, ["alt", "caption", "credit"]));
  return name in RENDERED ? value.map(RENDERED[name]) : value;
}

const RENDERED = {
  tags: renderTerm,
  authors: renderTerm,
  regions: ({ slug, roles }) => ({ slug, roles }),
  related: ({ article, title, url, unlinked }) => (article === null ? drop({ title, url, unlinked }) : drop({ article: article.id, title, url })),
};

/** What has a slug is in the vocabulary; the rest is made when the article is saved. */
function renderTerm({ slug, name, kind }) {
  return slug === undefined ? drop({ name, kind }) : { slug };
}

/** A part that is not named stays as it is; place and date bring region and precision along. */
function renderDateline({ text, place, date }, base = { text: "" }) {
  const parts = fill({ text: text.trim(), place, date }, ["place", "date"]);
  if (base.text === "") return drop(parts);
  return Object.fromEntries(Object.entries(parts).filter(([name, value]) => name === "text" || (value ?? "") !== base[name]));
}

/** With null for what is empty. */
function fill(value, names) {
  return { ...value, ...Object.fromEntries(names.map((name) => [name, value[name] === "" ? null : value[name]])) };
}

function drop(value) {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== undefined && one !== ""));
}

/** A form upon another version than it was begun with: what was changed in it stays changed, all else is as in `next`.
 * Lists keep both sides' changes. `open`: fields that both sides have changed in ways that only a person can bring
 * together; they stay as they are in the form. */
export function rebase(form, base, next) {
  const merged = { ...next };
  const open = [];
  for (const name of findDifferences(form, base)) {
    const isTheirs = !isSame(next[name], base[name]) && !isSame(next[name], form[name]);
    if (isTheirs && LISTS.includes(name)) {
      merged[name] = mergeLists(form[name], base[name], next[name]);
      continue;
    }
    merged[name] = form[name];
    if (isTheirs) open.push(name);
  }
  return { form: merged, open };
}

/** Theirs with what was added here, without what was taken away here; of the same thing what was changed here. */
function mergeLists(mine, base, theirs) {
  const known = new Map(base.map((one) => [nameTerm(one), one]));
  const own = new Map(mine.map((one) => [nameTerm(one), one]));
  const kept = theirs.filter((one) => own.has(nameTerm(one)) || !known.has(nameTerm(one)));
  const changed = kept.map((one) => {
    const here = own.get(nameTerm(one));
    return here !== undefined && !isSame(here, known.get(nameTerm(one))) ? here : one;
  });
  // What was new here may have been made meanwhile, and has a slug since.
  const there = new Set([...theirs.map(nameTerm), ...theirs.map(({ name }) => nameTerm({ name }))]);
  return [...changed, ...mine.filter((one) => !known.has(nameTerm(one)) && !there.has(nameTerm(one)))];
}

/** What tells one tag, author or region from another. */
export function nameTerm({ slug, name }) {
  return slug ?? `new ${name}`;
}
