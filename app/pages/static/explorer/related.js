// Beside an article: what its editors point to and what is like it, and the same in other languages.

import { html } from "../shared/view.js";
import { Link } from "../shared/router.js";
import { useRead } from "../shared/requests.js";
import { ProblemView } from "../shared/problem_view.js";
import { RequestView } from "../shared/request_view.js";
import { buildUrl } from "../shared/api.js";
import { formatDate, htmlLanguage, nameLanguage } from "../shared/dates.js";
import { withArticle } from "./results.js";

const FIELDS = "slug,title,language,standfirst,dateline.text,published_at,published_precision";
const MOST = 8;

export function RelatedPosts({ params, id }) {
  const url = buildUrl(`v1/articles/${id}/related`, { limit: MOST, fields: FIELDS });
  const { data, problem, retry } = useRead(url);
  if (problem !== null) return html`<${ProblemView} problem=${problem} retry=${retry} />`;
  const posts = data?.data ?? [];
  const groups = [
    ["Related posts", posts.filter((post) => post.kind === "editorial")],
    ["Similar articles", posts.filter((post) => post.kind === "similar" && !post.below_threshold)],
  ];
  return html`<section class="related no-print" aria-label="Related">
    ${groups.map(([title, items]) => items.length > 0 && html`<div key=${title}><h2>${title}</h2>
      <ul class="bare">${items.map((post) => html`<${Post} key=${post.position} post=${post} params=${params} />`)}</ul></div>`)}
    <${RequestView} url=${url} label="The request behind these" />
  </section>`;
}

/** What is not in the archive, or not any more, is a title, with its address where it has one. */
function Post({ post, params }) {
  if (post.article === null) {
    const address = /^https?:/i.test(post.url ?? "") ? post.url : null;
    return html`<li><span dir="auto">${address ? html`<a href=${address} rel="noopener noreferrer">${post.title ?? address}</a>` : post.title}</span>
      <span class="small"> not in this archive</span></li>`;
  }
  const { article } = post;
  return html`<li><${Link} params=${withArticle(params, article.slug)} lang=${htmlLanguage(article.language)} dir="auto">${article.title}<//>
    <span class="small" dir="auto"> ${post.reason ?? article.dateline?.text ?? formatDate(article.published_at, article.published_precision)}</span></li>`;
}

export function Translations({ params, article }) {
  const url = buildUrl(`v1/articles/${article.id}/translations`, { fields: FIELDS });
  const { data, problem } = useRead(url);
  if (problem !== null || !data?.data.length) return null;
  return html`<section class="related no-print" aria-label="Translations"><h2>In other languages</h2>
    <ul class="bare">${data.data.map((one) => html`<li key=${one.slug}>
      <${Link} params=${withArticle(params, one.slug)} lang=${htmlLanguage(one.language)} dir="auto">${one.title}<//>
      <span class="small"> ${nameLanguage(one.language)}</span></li>`)}</ul>
    <${RequestView} url=${url} label="The request behind these" />
  </section>`;
}
