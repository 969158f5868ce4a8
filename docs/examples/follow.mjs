// Keeps a copy of an archive, or of a part of it, in a JSON file: node follow.mjs ADDRESS FILE [FILTER] [--once]
//
//     node follow.mjs http://127.0.0.1:8000 copy.json 'tag=nato&region=europe'
//
// Stop it whenever you like: it goes on where it stood. Needs Node 20 and nothing else.

import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const FIELDS = "slug,version,title,standfirst,published_at,tags,regions,body";

const once = process.argv.includes("--once");
const [address, path, filter = ""] = process.argv.slice(2).filter((argument) => argument !== "--once");

class Refused extends Error {}

// Nothing yet, at the beginning of the changes: by them the first copy comes too, and goes on where it was cut off. It is
// whole once a page says that there are no more.
const start = () => ({ place: "0", after: null, filter, articles: {} });

async function get(name, query) {
  const asked = new URLSearchParams(filter);
  for (const [key, value] of Object.entries(query)) asked.append(key, value);
  const response = await fetch(`${address}/v1/${name}?${asked}`);
  if (response.ok || response.status === 410) return response;
  const said = `${response.status} ${await response.text()}`;
  throw response.status < 429 ? new Refused(said) : new Error(said);
}

// The next changes taken in, and whether there are more at once. Of each article only the latest change comes.
async function follow(copy) {
  if (typeof copy.after === "number") {
    await loadExport(copy);
    return [copy, true];
  }
  const response = await get("changes", {
    since: copy.place, compact: true, limit: 1000, wait: once ? 0 : 25, include: "article", fields: FIELDS,
  });
  // The server cannot say what we missed: everything anew, behind no article yet.
  if (response.status === 410) return [{ ...start(), place: null, after: 0 }, true];
  const page = await response.json();
  for (const change of page.data) {
    if (change.article === null) relabel(Object.values(copy.articles), change);
    // No card: left_filter, withdrawn, purged, or gone since.
    else if (change.card === null) delete copy.articles[change.article.id];
    else copy.articles[change.card.id] = change.card;
  }
  copy.place = page.next;
  return [copy, page.has_more];
}

// Everything there is, or what is left of it behind the last line that came. The place before the first line is where
// the changes go on, so that nothing that changes meanwhile is missed.
async function loadExport(copy) {
  const response = await get("export", { after: copy.after, fields: FIELDS });
  copy.place ??= response.headers.get("x-seq");
  for await (const line of createInterface({ input: Readable.fromWeb(response.body), crlfDelay: Infinity })) {
    const article = JSON.parse(line);
    if (article.end) {
      copy.after = null;
      return;
    }
    copy.articles[article.id] = article;
    copy.after = article.id;
  }
  throw new Error("the export broke off");
}

// A tag or region is called something else now, and may stand in any article. Aliases, names in other languages and
// members of regions stand in none; what is null here is in no article of ours any more.
function relabel(articles, change) {
  const renamed = change.tag ?? change.region;
  const fields = change.changed_fields;
  if (renamed === null || (fields.length && !fields.some((field) => ["name", "slug", "kind"].includes(field)))) return;
  for (const article of articles)
    for (const shown of change.region ? article.regions : article.tags)
      if (shown.id === renamed.id)
        for (const name of Object.keys(shown)) if (name in renamed) shown[name] = renamed[name];
}

// Articles and place together or not at all; a change taken in twice does no harm.
async function save(copy) {
  await writeFile(`${path}.new`, JSON.stringify(copy));
  await rename(`${path}.new`, path);
}

let copy = existsSync(path) ? JSON.parse(await readFile(path, "utf8")) : null;
let more = true;
while (more || !once) {
  try {
    if (copy === null || copy.filter !== filter) copy = start();
    [copy, more] = await follow(copy);
    await save(copy);
  } catch (error) {
    if (once || error instanceof Refused) throw error;
    await save(copy);
    console.error(error.message);
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}
