// Receives a webhook and keeps a copy in a JSON file: WEBHOOK_SECRET=whsec_… node receive.mjs PORT FILE
//
// Needs Node 20 and no packages.

import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, file] = process.argv.slice(2);
const key = Buffer.from(process.env.WEBHOOK_SECRET.replace("whsec_", ""), "base64");
const articles = existsSync(file) ? JSON.parse(readFileSync(file, "utf-8")) : {};

function isSigned(body, { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures = "" }) {
  if (!(Math.abs(Date.now() / 1000 - at) < 300)) return false;
  const expected = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest();
  return signatures.split(" ").some((one) => {
    const sent = Buffer.from(one.replace("v1,", ""), "base64");
    return sent.length === expected.length && timingSafeEqual(sent, expected);
  });
}

// Twice is as good as once.
function takeIn({ type, data }) {
  if (type.startsWith("article.")) {
    if (data.card) articles[data.card.id] = data.card;
    else delete articles[data.article.id]; // left_filter, withdrawn, purged, or gone since
  } else relabel(data.tag ?? data.region);
  writeFileSync(`${file}.new`, JSON.stringify(articles));
  renameSync(`${file}.new`, file);
}

// A tag or region is called something else now, and may stand in any article.
function relabel(changed) {
  for (const { tags, authors, regions } of Object.values(articles))
    for (const label of [...tags, ...authors, ...regions])
      if (label.id === changed?.id && "level" in label === "level" in changed)
        for (const name of Object.keys(label)) label[name] = changed[name] ?? label[name];
}

createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString("utf-8");
  const isGood = isSigned(body, request.headers);
  if (isGood) takeIn(JSON.parse(body));
  response.writeHead(isGood ? 204 : 401).end();
}).listen(Number(port), "127.0.0.1");
