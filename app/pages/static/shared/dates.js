// Dates in words, never more exact than they are known. A day, a month or a year is a period of the calendar and the
// same everywhere; an instant is told in the visitor's time zone.

const FORMS = {
  instant: { dateStyle: "medium", timeStyle: "short" },
  day: { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" },
  month: { month: "long", year: "numeric", timeZone: "UTC" },
  year: { year: "numeric", timeZone: "UTC" },
};
const formats = new Map();

/** An instant of the API as words; null as "". */
export function formatDate(instant, precision = "instant") {
  if (instant === null || instant === undefined) return "";
  const form = Object.hasOwn(FORMS, precision) ? precision : "instant";
  if (!formats.has(form)) formats.set(form, new Intl.DateTimeFormat("en-GB", FORMS[form]));
  return formats.get(form).format(new Date(instant));
}

/** The name of a language by its code; the code itself where the browser knows no name. */
export function nameLanguage(code) {
  if (code === "und") return "unknown";
  try {
    languages ??= new Intl.DisplayNames(["en"], { type: "language" });
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
}
let languages;

/** For the `lang` attribute: nothing where the language is not known. */
export function htmlLanguage(code) {
  return code === "und" ? undefined : code;
}

const numbers = new Intl.NumberFormat("en-GB");

export function formatNumber(count) {
  return numbers.format(count);
}

export function countArticles(count) {
  return countThings(count, "article");
}

/** A number with what is counted; `name` is of one. */
export function countThings(count, name) {
  return `${formatNumber(count)} ${name}${count === 1 ? "" : "s"}`;
}
