// What the types have to refuse: each line marked so is an error, or it is one that there is none.
import createClient from "openapi-fetch";
import type { components, paths } from "./dateline.js";

const dateline = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: "" });
const path = { ref: "1" };
const header = { "If-Match": "*" };

export async function change(card: components["schemas"]["ArticleCard"]): Promise<void> {
  await dateline.PATCH("/v1/articles/{ref}", { params: { path, header }, body: { standfirst: null } });
  // @ts-expect-error -- an article needs its title
  await dateline.PATCH("/v1/articles/{ref}", { params: { path, header }, body: { title: null } });
  // @ts-expect-error -- a change needs a version
  await dateline.PATCH("/v1/articles/{ref}", { params: { path }, body: { standfirst: "Words." } });
  // @ts-expect-error -- no such facet
  await dateline.GET("/v1/search", { params: { query: { facets: ["topic"] } } });
  // @ts-expect-error -- no such parameter
  await dateline.GET("/v1/articles", { params: { query: { author_name: ["x"] } } });
  // @ts-expect-error -- `fields` may have left it out
  card.title.toUpperCase();
  card.id.toFixed();
}
