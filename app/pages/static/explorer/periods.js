// Periods of the calendar as filters write them: `2025`, `2025-03`, `2025-03-14`. Pure.

const PERIOD = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;
const LENGTHS = { year: 4, month: 7, week: 10, day: 10 };
const DAY = 86_400;

/** The period in which a bucket begins. */
export function namePeriod(instant, interval) {
  return instant.slice(0, LENGTHS[interval]);
}

/** First second of a period, and that behind its last, since 1970; of an instant twice the same; null for anything
 * else. */
export function readPeriod(text) {
  const match = PERIOD.exec(text ?? "");
  if (match === null) {
    const instant = Date.parse(text ?? "");
    return Number.isNaN(instant) ? null : [instant / 1000, instant / 1000];
  }
  const [year, month, day] = match.slice(1).map((part) => (part === undefined ? null : Number(part)));
  const begin = Date.UTC(year, (month ?? 1) - 1, day ?? 1) / 1000;
  if (day !== null) return [begin, begin + DAY];
  return [begin, (month === null ? Date.UTC(year + 1, 0) : Date.UTC(year, month)) / 1000];
}

/** The first day of a period, for a field of a form; "" where there is none. */
export function firstDay(text) {
  const period = readPeriod(text);
  return period === null ? "" : formatDay(period[0]);
}

export function lastDay(text) {
  const period = readPeriod(text);
  return period === null ? "" : formatDay(Math.max(period[0], period[1] - DAY));
}

function formatDay(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
