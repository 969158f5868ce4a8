// Somebody has saved the article meanwhile: both versions side by side, and what is to become of each difference.

import { html, useEffect, useRef, useState } from "../../shared/view.js";
import { countThings, formatDate } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { SafeHtml } from "../../shared/safe_html.js";
import { joinPieces, mergeBodies, MOST_CHOICES } from "./body_merge.js";
import { previewBody, turnInto } from "./body_field.js";
import { findDifferences, isSame, LABELS, rebase } from "./form.js";
import { ActionButton, ConfirmButton, STATES, StateBadge } from "../parts.js";
import { describe } from "./revisions.js";

const PICKS = { theirs: "Theirs", mine: "Mine", both: "Both, theirs first" };

/** `base`: the version that both began with, as article and form; `form`: mine; `theirs`: the version that was saved
 * meanwhile, also as article and form, with the state that I `wanted`. `onResolve` gets the form to be saved upon theirs. */
export function Conflict({ base, form, theirs, onResolve, onDiscard }) {
  const { article, form: upon, wanted } = theirs;
  const { form: merged, open } = rebase(form, base.form, upon);
  const [picks, setPicks] = useState({});
  const heading = useFocus();
  const { pieces, setPieces, problem, retry } = usePieces(base, form, article, open.includes("body"));
  const isReady = open.every((name) => (name === "body" ? pieces?.every(({ kind, pick }) => kind === "same" || pick !== null) : name in picks));
  const resolve = async () => onResolve({ ...merged, ...(await choose(open, picks, form, upon, pieces)) });
  const mine = findDifferences(form, base.form).filter((name) => !open.includes(name));
  const changed = findDifferences(upon, base.form).filter((name) => !open.includes(name));
  return html`<section class="conflict" aria-label="Two versions">
    <h1 ref=${heading} tabindex="-1">Somebody has saved this article meanwhile</h1>
    <p>It is version ${article.version} now, saved ${formatDate(article.updated_at)}; yours began with version ${base.article.version}.
      Nothing of yours is lost: it is kept in this tab.</p>
    ${article.status !== base.article.status && html`<p>It was ${STATES[base.article.status]}; now it is <${StateBadge} status=${article.status} />, and stays so.</p>`}
    ${wanted !== null && wanted !== article.status && html`<p>You wanted it ${STATES[wanted]}. Merging does not do that: see what comes of it first.</p>`}
    ${article.status === "published" && html`<p>Readers see what is merged as soon as it is saved.</p>`}
    ${changed.length > 0 && html`<p>Taken from theirs: ${changed.map((name) => LABELS[name]).join(", ")}.</p>`}
    ${mine.length > 0 && html`<p>Kept of yours: ${mine.map((name) => LABELS[name]).join(", ")}.</p>`}
    ${open.filter((name) => name !== "body").map((name) => html`<${FieldChoice} key=${name} name=${name} mine=${form[name]} theirs=${upon[name]}
      pick=${picks[name]} onPick=${(pick) => setPicks({ ...picks, [name]: pick })} />`)}
    ${problem && html`<${ProblemView} problem=${problem} retry=${retry} />`}
    ${open.includes("body") && pieces && html`<${BodyChoice} pieces=${pieces} setPieces=${setPieces} />`}
    <div class="bottom"><div class="save-bar" role="group" aria-label="Merging"><div class="save-said"><p role="status">${isReady ? "Everything is decided." : "Choose what is to stay, where it is open."}</p></div>
      <${ConfirmButton} question="What you typed and nobody has saved is gone then; their version is shown." action="Put mine away for good" onClick=${onDiscard}>Put mine away<//>
      <${ActionButton} class="primary" disabled=${!isReady} onClick=${resolve}>Merge and save<//></div></div>
  </section>`;
}

/** What has come in the place of the editor is read out, and keys go on from there. */
function useFocus() {
  const place = useRef(null);
  useEffect(() => place.current.focus(), []);
  return place;
}

async function choose(open, picks, form, upon, pieces) {
  const chosen = {};
  for (const name of open) {
    if (name === "body") chosen.body = await turnBack(form.body.notation, joinPieces(pieces));
    else chosen[name] = picks[name] === "theirs" ? upon[name] : form[name];
  }
  return chosen;
}

/** Who wrote Markdown goes on with Markdown; without the server it is HTML, which says the same. */
function turnBack(notation, text) {
  return turnInto(notation, text).catch(() => ({ notation: "html", text }));
}

/** The pieces of the three texts; mine as a save would keep it. */
function usePieces(base, form, theirs, isOpen) {
  const [{ pieces, problem }, setState] = useState({ pieces: null, problem: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!isOpen) return;
    previewBody(form.body).then(
      (mine) => setState({ pieces: mergeBodies(base.article.body, mine.body, theirs.body), problem: null }),
      (failure) => setState({ pieces: null, problem: failure }),
    );
  }, [theirs.version, turn]);
  return { pieces, problem, setPieces: (next) => setState({ pieces: next, problem: null }), retry: () => setTurn(turn + 1) };
}

function FieldChoice({ name, mine, theirs, pick, onPick }) {
  return html`<fieldset class="choice"><legend>${LABELS[name]}</legend><div class="sides">
    <${Side} side="theirs" group=${name} pick=${pick} onPick=${onPick}><span dir="auto">${describe(theirs)}</span><//>
    <${Side} side="mine" group=${name} pick=${pick} onPick=${onPick}><span dir="auto">${describe(mine)}</span><//></div></fieldset>`;
}

function BodyChoice({ pieces, setPieces }) {
  const pick = (place) => (side) => setPieces(pieces.map((one, at) => (at === place ? { ...one, pick: side } : one)));
  const isLong = pieces.filter(({ kind }) => kind === "changed").length > MOST_CHOICES;
  return html`<section aria-label="Text"><h2>Text</h2>
    ${isLong && html`<p class="small">What only one of you has changed is taken from whoever changed it, and is too much to be shown here.</p>`}
    ${pieces.map((piece, place) => isLong && !isOpen(piece) ? null
      : html`<${Piece} key=${place} piece=${piece} group=${`body-${place}`} onPick=${pick(place)} />`)}</section>`;
}

function Piece({ piece, group, onPick }) {
  if (piece.kind === "same") return html`<${SamePiece} blocks=${piece.blocks} />`;
  return html`<fieldset class="choice"><legend>${describePiece(piece)}</legend><div class="sides">
    ${["theirs", "mine"].map((side) => html`<${Side} key=${side} side=${side} group=${group} pick=${piece.pick} onPick=${onPick}>
      ${piece[side].length === 0 ? html`<em>nothing</em>` : html`<${SafeHtml} text=${piece[side].join("\n")} class="prose" dir="auto" />`}<//>`)}</div>
    ${isOpen(piece) && html`<${Choice} side="both" group=${group} pick=${piece.pick} onPick=${onPick} />`}</fieldset>`;
}

/** Rendered when it is opened: it may be nearly all of a long text. */
function SamePiece({ blocks }) {
  const [isShown, setShown] = useState(false);
  return html`<details class="same" onToggle=${(event) => setShown(event.currentTarget.open)}>
    <summary class="small">${countThings(blocks.length, "paragraph")} that both have</summary>
    ${isShown && html`<${SafeHtml} text=${blocks.join("\n")} class="prose" dir="auto" />`}</details>`;
}

function describePiece(piece) {
  if (isOpen(piece)) return "Changed by both";
  return isSame(piece.mine, piece.base) ? "Changed by them" : "Changed by you";
}

/** Whether both sides have changed it, so that both may be right. */
function isOpen({ kind, base, mine, theirs }) {
  return kind === "changed" && !isSame(mine, base) && !isSame(theirs, base);
}

function Side({ side, group, pick, onPick, children }) {
  return html`<div class=${pick === side ? "side-choice picked" : "side-choice"}>
    <${Choice} side=${side} group=${group} pick=${pick} onPick=${onPick} />${children}</div>`;
}

function Choice({ side, group, pick, onPick }) {
  return html`<label class="check"><input type="radio" name=${group} checked=${pick === side} onChange=${() => onPick(side)} /> ${PICKS[side]}</label>`;
}
