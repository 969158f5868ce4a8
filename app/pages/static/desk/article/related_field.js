// The editors' related posts: articles of the archive by a picker, or what is known of one that is not here yet.

import { html } from "../../shared/view.js";
import { buildUrl, send } from "../../shared/api.js";
import { Combobox } from "../combobox.js";
import { STATES } from "../parts.js";

const HOW_MANY = 8;
const SEARCHED = ["published", "scheduled", "draft"];
const ADDRESS = /^https?:\/\//i;

export function RelatedField({ posts, own, onChange }) {
  const find = async (q, signal) => {
    const { data } = await send(buildUrl("v1/articles", { q, status: SEARCHED, limit: HOW_MANY, count: "none" }), { signal });
    return data.data.filter(({ id }) => id !== own)
      .map(({ id, title, status }) => ({ key: String(id), text: title, hint: status === "published" ? "" : STATES[status], id, title, status }));
  };
  const add = ({ id, title, status }) => {
    if (!posts.some(({ article }) => article?.id === id)) onChange([...posts, { article: { id, title, status }, title: null, url: null, unlinked: false }]);
  };
  const addFree = (text) => {
    const known = ADDRESS.test(text) ? { title: null, url: text } : { title: text, url: null };
    onChange([...posts, { article: null, ...known, unlinked: false }]);
    return true;
  };
  return html`<div class="terms">
    <${Combobox} label="Related posts" placeholder="words of an article, or a title or address of one that is not here"
      find=${find} onChoose=${add} onFree=${addFree} />
    <ol class="bare rows">${posts.map((post, place) => html`<${Post} key=${place} post=${post} place=${place} posts=${posts} onChange=${onChange} />`)}</ol>
  </div>`;
}

function Post({ post, place, posts, onChange }) {
  const replace = (next) => onChange(posts.map((one, at) => (at === place ? next : one)));
  const remove = () => onChange(posts.filter((_, at) => at !== place));
  const raise = () => onChange([...posts.slice(0, place - 1), post, posts[place - 1], ...posts.slice(place + 1)]);
  const title = nameOf(post);
  return html`<li class="row"><span dir="auto">${title}</span>
    <span class="small">${describe(post)}</span>
    ${post.article === null && html`<label class="check small"><input type="checkbox" checked=${post.unlinked}
      onChange=${(event) => replace({ ...post, unlinked: event.target.checked })} /> never link it</label>`}
    <span class="row-buttons">
      <button type="button" class="plain" disabled=${place === 0} aria-label=${`Move “${title}” up`} onClick=${raise}>↑</button>
      <button type="button" class="plain" aria-label=${`Remove “${title}”`} onClick=${remove}>✕</button></span></li>`;
}

function nameOf({ article, title, url }) {
  return article?.title ?? title ?? url;
}

function describe({ article, unlinked }) {
  if (article === null) return unlinked ? "no link" : "unresolved: links itself when the article comes";
  return article.status === "published" ? "" : `${STATES[article.status] ?? ""}: readers do not see it`;
}
