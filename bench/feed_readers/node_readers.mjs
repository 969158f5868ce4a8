// Reads feeds with rss-parser, feedsmith, @extractus/feed-extractor and feedparser, each as its documentation says.
// `node node_readers.mjs FOLDER` writes `read-node.json`, in the form of `python_readers.py`.
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";

import { extractFromJson, extractFromXml } from "@extractus/feed-extractor";
import NodeFeedparser from "feedparser";
import { parseFeed } from "feedsmith";
import Parser from "rss-parser";

const folder = process.argv[2];
const formatTime = (time) => (time ? new Date(time).toISOString().replace(".000Z", "Z") : null);
const list = (value) => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);
const byRelation = (links) => Object.fromEntries(list(links).map((one) => [one.rel, one.href]));

async function readRssParser(text, format) {
  if (format === "json") throw new Error("reads no such format");
  const feed = await new Parser().parseString(text);
  return {
    feed: {
      title: feed.title, link: feed.link, updated: formatTime(feed.lastBuildDate), language: feed.language ?? null,
      links: { self: feed.feedUrl, ...feed.paginationLinks },
    },
    entries: feed.items.map((one) => ({
      id: one.guid ?? one.id, link: one.link, title: one.title,
      summary: (format === "rss" ? one.content : one.summary) ?? null,
      content: (format === "rss" ? one["content:encoded"] : one.content) ?? null,
      published: formatTime(one.pubDate), published_iso: formatTime(one.isoDate),
      authors: list(format === "rss" ? one.creator : one.author),
      categories: list(one.categories).map((category) => category._ ?? category),
      images: list(one.enclosure).map((image) => image.url), image_types: list(one.enclosure).map((image) => image.type),
    })),
  };
}

const feedsmith = {
  rss: (feed) => ({
    feed: {
      title: feed.title, link: feed.link, updated: formatTime(feed.lastBuildDate), language: feed.language ?? null,
      links: byRelation(feed.atom?.links),
    },
    entries: feed.items.map((one) => ({
      id: one.guid?.value, link: one.link, title: one.title, summary: one.description ?? null,
      content: one.content?.encoded ?? null, published: formatTime(one.pubDate),
      updated: formatTime(one.atom?.updated), authors: list(one.dc?.creators ?? one.dc?.creator),
      categories: list(one.categories).map((category) => category.name),
      schemes: list(one.categories).map((category) => category.domain),
      images: list(one.enclosures).map((image) => image.url), image_types: list(one.enclosures).map((image) => image.type),
      media: list(one.media?.contents).map((image) => image.url),
      captions: list(one.media?.contents).map((image) => image.title?.value ?? null),
      credits: list(one.media?.contents).map((image) => image.credits?.[0]?.value ?? null),
      sizes: list(one.media?.contents).map((image) => [image.width ?? null, image.height ?? null]),
    })),
  }),
  atom: (feed) => ({
    feed: {
      id: feed.id, title: feed.title?.value ?? feed.title,
      link: list(feed.links).find((one) => one.rel === "alternate")?.href, updated: formatTime(feed.updated),
      author: feed.authors?.[0]?.name ?? null, links: byRelation(feed.links),
    },
    entries: feed.entries.map((one) => ({
      id: one.id, link: list(one.links).find((link) => link.rel === "alternate")?.href,
      title: one.title?.value ?? one.title, summary: one.summary?.value ?? one.summary ?? null,
      content: one.content?.value ?? one.content ?? null, published: formatTime(one.published),
      updated: formatTime(one.updated), authors: list(one.authors).map((author) => author.name),
      categories: list(one.categories).map((category) => category.label),
      schemes: list(one.categories).map((category) => category.scheme),
      images: list(one.links).filter((link) => link.rel === "enclosure").map((link) => link.href),
      image_types: list(one.links).filter((link) => link.rel === "enclosure").map((link) => link.type ?? null),
      captions: list(one.links).filter((link) => link.rel === "enclosure").map((link) => link.title ?? null),
    })),
  }),
  json: (feed) => ({
    feed: {
      title: feed.title, link: feed.home_page_url, language: feed.language ?? null,
      author: feed.authors?.[0]?.name ?? null,
      links: { self: feed.feed_url, ...(feed.next_url ? { next: feed.next_url } : {}), ...(feed.hubs ? { hub: feed.hubs[0].url } : {}) },
    },
    entries: feed.items.map((one) => ({
      id: one.id, link: one.url, title: one.title, summary: one.summary ?? null, content: one.content_html ?? null,
      text: one.content_text ?? null, published: formatTime(one.date_published), updated: formatTime(one.date_modified),
      authors: list(one.authors).map((author) => author.name), categories: list(one.tags),
      images: list(one.attachments).map((image) => image.url), image_types: list(one.attachments).map((image) => image.mime_type),
      captions: list(one.attachments).map((image) => image.title ?? null), first_image: one.image ?? null,
      language: one.language ?? null,
    })),
  }),
};

function readExtractor(text, format) {
  // Its summaries are cut at 250 characters unless told not to.
  const options = { descriptionMaxLen: 0, useISODateFormat: true };
  const feed = format === "json" ? extractFromJson(JSON.parse(text), options) : extractFromXml(text, options);
  return {
    feed: { title: feed.title, link: feed.link, updated: formatTime(feed.published), language: feed.language || null },
    entries: feed.entries.map((one) => ({
      id: one.id, link: one.link, title: one.title, summary: one.description || null, published: formatTime(one.published),
    })),
  };
}

function readNodeFeedparser(text, format) {
  if (format === "json") throw new Error("reads no such format");
  return new Promise((resolve, reject) => {
    const parser = new NodeFeedparser({ addmeta: false });
    const items = [];
    parser.on("error", reject);
    parser.on("readable", () => { for (let item = parser.read(); item; item = parser.read()) items.push(item); });
    parser.on("end", () => resolve({
      feed: {
        title: parser.meta.title, link: parser.meta.link, updated: formatTime(parser.meta.date),
        language: parser.meta.language, author: parser.meta.author,
        links: { self: parser.meta.xmlurl, ...(parser.meta.cloud?.href ? { hub: parser.meta.cloud.href } : {}) },
        deleted: list(parser.meta["at:deleted-entry"]).map((one) => one["@"].ref),
      },
      entries: items.map((one) => ({
        id: one.guid, link: one.link, title: one.title, summary: one.summary, content: one.description,
        published: formatTime(one.pubdate), updated: formatTime(one.date), authors: list(one.author),
        categories: one.categories, images: list(one.enclosures).map((image) => image.url),
        image_types: list(one.enclosures).map((image) => image.type ?? null), first_image: one.image?.url ?? null,
      })),
    }));
    Readable.from([Buffer.from(text)]).pipe(parser);
  });
}

const readers = {
  "rss-parser (Node)": readRssParser,
  "feedsmith (Node)": (text, format) => feedsmith[format](parseFeed(text).feed),
  "feed-extractor (Node)": readExtractor,
  "feedparser (Node)": readNodeFeedparser,
};
const results = [];
for (const document of JSON.parse(fs.readFileSync(path.join(folder, "articles.json"))).documents) {
  const text = fs.readFileSync(path.join(folder, document.name), "utf8");
  for (const [reader, read] of Object.entries(readers)) {
    let found;
    try { found = await read(text, document.format); } catch (error) { found = { error: String(error).slice(0, 200) }; }
    results.push({ reader, document: document.name, ...found });
  }
}
fs.writeFileSync(path.join(folder, "read-node.json"), JSON.stringify(results));
