// The field that is searched from, with every key. What is typed is taken for unfinished until Enter is pressed.

import { html } from "../shared/view.js";
import { go } from "../shared/router.js";
import { useDebounced } from "../shared/requests.js";
import { useTypedQuery } from "../shared/typed_query.js";
import { change } from "./state.js";

/** Milliseconds without a key before it is searched where keys follow one another faster than that. */
const PAUSE = 60;
const LONGEST = 512;

/** `field`: a ref to the input, for the key that leads to it. `onDown`: when the arrow leads on to the results. */
export function SearchBox({ params, field, onDown }) {
  const { typed, setTyped, tellSent } = useTypedQuery(params.get("q") ?? "");
  const search = (text, isFinished) => {
    const q = text.trim();
    tellSent(q);
    const changes = { q, prefix: isFinished || q === "" ? null : "true", article: null };
    if (q === "" && params.get("sort") === "relevance") changes.sort = null;
    go(change(params, changes), { replace: !isFinished });
  };
  const searchSoon = useDebounced((text) => search(text, false), PAUSE, { isEager: true });
  const type = (event) => {
    setTyped(event.target.value);
    searchSoon(event.target.value);
  };
  const submit = (event) => {
    event.preventDefault();
    search(typed, true);
  };
  const press = (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      onDown();
    }
  };
  return html`<form class="search" role="search" onSubmit=${submit}>
    <label class="off-screen" for="q">Search the archive</label>
    <input id="q" type="search" ref=${field} value=${typed} onInput=${type} onKeyDown=${press} dir="auto"
      placeholder="Search the archive" maxlength=${LONGEST} autocomplete="off" spellcheck="false"
      aria-keyshortcuts="/" aria-describedby="q-hint" />
    <span id="q-hint" class="off-screen">Results change as you type. The down arrow leads to them.</span>
    <kbd aria-hidden="true" title="The key / leads here">/</kbd>
  </form>`;
}
