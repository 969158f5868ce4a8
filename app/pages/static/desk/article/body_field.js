// The text of an article in Markdown or HTML, beside what a save would keep of it.

import { html, useEffect, useRef, useState } from "../../shared/view.js";
import { buildUrl, send } from "../../shared/api.js";
import { htmlLanguage } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { RequestView } from "../../shared/request_view.js";
import { SafeHtml } from "../../shared/safe_html.js";
import { useIsThere } from "../parts.js";

const NOTATIONS = { markdown: "Markdown", html: "HTML" };
const PREVIEW_URL = buildUrl("v1/preview");
/** Milliseconds without a key before a text is previewed; long ones take the server, and the browser, longer. */
const PAUSE = 350;
const PAUSE_OF_LONG = 1500;
const LONG = 100_000;

/** What a save would keep of a body, `include` as of `POST /v1/preview`. */
export async function previewBody(body, { signal, include, ...rest } = {}) {
  const url = buildUrl("v1/preview", { include });
  return (await send(url, { method: "POST", json: { body: { [body.notation]: body.text }, ...rest }, signal })).data;
}

/** A stored body to be edited: Markdown where it says all that the HTML does, else the HTML. */
export async function chooseNotation(stored, markdown) {
  if (stored.trim() === "") return { notation: "markdown", text: "" };
  const body = { notation: "markdown", text: markdown };
  return (await previewBody(body)).body === stored ? body : { notation: "html", text: stored };
}

/** The body in the notation, where it says all in it. */
export async function turnInto(notation, stored) {
  if (notation === "html") return { notation, text: stored };
  const { body_markdown: markdown } = await previewBody({ notation: "html", text: stored }, { include: "body_markdown" });
  return chooseNotation(stored, markdown);
}

/** `onTurn` gets a body, and the same in the other notation; it returns false where the text is another meanwhile. */
export function BodyField({ body, language, onChange, onTurn }) {
  const { preview, problem, retry } = usePreview(body);
  const [isTurning, setTurning] = useState(null);
  const latest = useRef(body);
  latest.current = body;
  const isThere = useIsThere();
  const turn = async (notation) => {
    try {
      // What is typed while a text is converted is not lost by that: then it is converted again.
      for (let isTurned = false; !isTurned && isThere.current && latest.current.notation !== notation; ) {
        const from = latest.current;
        const converted = await previewBody(from, { include: "body_markdown" });
        isTurned = onTurn(from, { notation, text: notation === "html" ? converted.body : converted.body_markdown });
      }
      setTurning(null);
    } catch (error) {
      setTurning(error);
    }
  };
  const json = { body: { [body.notation]: body.text } };
  return html`<div class="body-field">
    <div class="body-source">
      <div class="body-head"><label for="body">Text</label>
        <span role="group" aria-label="Written in" class="toggle">${Object.entries(NOTATIONS).map(([name, title]) => html`<button
          type="button" key=${name} aria-pressed=${body.notation === name} onClick=${() => turn(name)}>${title}</button>`)}</span></div>
      <textarea id="body" dir="auto" lang=${htmlLanguage(language)} spellcheck="true" value=${body.text}
        onInput=${(event) => onChange({ ...body, text: event.target.value })}></textarea>
      ${isTurning && html`<${ProblemView} problem=${isTurning} />`}
    </div>
    <div class="body-preview">
      <div class="body-head"><h2>As it will be kept</h2>
        ${preview && html`<span class="small">${preview.word_count} words, ${preview.reading_minutes} min</span>`}</div>
      ${problem && html`<${ProblemView} problem=${problem} retry=${retry} aside=${["unauthorized"]} />`}
      ${preview?.warnings.map(({ detail }) => html`<p key=${detail} class="small warning" role="status">${detail}</p>`)}
      ${/* Sanitised by the server as a save does it, and put into the page by the one function that may: it takes out
           what no body may hold, and the policy of the page runs no script and loads nothing but pictures. A frame with
           a sandbox would keep readers of screens, zoom and the page's colours out, and protect from nothing more. */ ""}
      ${preview && html`<${SafeHtml} text=${preview.body} class="prose" dir="auto" lang=${htmlLanguage(language)} />`}
      <${RequestView} method="POST" url=${PREVIEW_URL} json=${json} />
    </div>
  </div>`;
}

/** The newest preview of a body; what was shown stays until there is another. */
function usePreview(body) {
  const [state, setState] = useState({ preview: null, problem: null });
  const [turn, setTurn] = useState(0);
  const isFirst = useRef(true);
  useEffect(() => {
    const controller = new AbortController();
    const pause = isFirst.current ? 0 : body.text.length > LONG ? PAUSE_OF_LONG : PAUSE;
    isFirst.current = false;
    const timer = setTimeout(() => {
      previewBody(body, { signal: controller.signal }).then(
        (preview) => setState({ preview, problem: null }),
        (problem) => problem.name !== "AbortError" && setState((old) => ({ ...old, problem })),
      );
    }, pause);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [body.notation, body.text, turn]);
  return { ...state, retry: () => setTurn(turn + 1) };
}
