// Somebody has saved the article meanwhile: both versions side by side, and what is to become of each difference.

import { html, useEffect, useState } from "../../shared/view.js";
import { countThings, formatDate } from "../../shared/dates.js";
import { ProblemView } from "../../shared/problem_view.js";
import { SafeHtml } from "../../shared/safe_html.js";
import { joinPieces, mergeBodies } from "./body_merge.js";
import { previewBody } from "./body_field.js";
import { findDifferences, isSame, LABELS, makeForm, rebase } from "./form.js";
import { ActionButton, STATES, StateBadge } from "../parts.js";
import { describe } from "./revisions.js";

const PICKS = { theirs: "Theirs", mine: "Mine", both: "Both, theirs first" };

/** `base`: the version that both began with, as article and form. `onResolve(form, upon)`: the form to be saved upon
 * theirs, which as a form is `upon`. */
export function Conflict({ base, form, theirs, onResolve, onDiscard }) {
  const upon = makeForm(theirs, findTheirBody(base, form, theirs));
  const { form: merged, open } = rebase(form, base.form, upon);
  const [picks, setPicks] = useState({});
  const { pieces, setPieces, problem } = usePieces(base, form, theirs, open.includes("body"));
  const isReady = open.every((name) => (name === "body" ? pieces?.every(({ kind, pick }) => kind === "same" || pick !== null) : name in picks));
  const resolve = () => onResolve({ ...merged, ...choose(open, picks, form, upon, pieces) }, upon);
  const mine = findDifferences(form, base.form).filter((name) => !open.includes(name));
  const changed = findDifferences(upon, base.form).filter((name) => !open.includes(name));
  return html`<section class="conflict" aria-label="Two versions">
    <h1>Somebody has saved this article meanwhile</h1>
    <p>It is version ${theirs.version} now, saved ${formatDate(theirs.updated_at)}; yours began with version ${base.article.version}.
      Nothing of yours is lost: it is kept in this tab.</p>
    ${theirs.status !== base.article.status && html`<p>It was ${STATES[base.article.status]}; now it is <${StateBadge} status=${theirs.status} />, and stays so.</p>`}
    ${changed.length > 0 && html`<p>Taken from theirs: ${changed.map((name) => LABELS[name]).join(", ")}.</p>`}
    ${mine.length > 0 && html`<p>Kept of yours: ${mine.map((name) => LABELS[name]).join(", ")}.</p>`}
    ${open.filter((name) => name !== "body").map((name) => html`<${FieldChoice} key=${name} name=${name} mine=${form[name]} theirs=${upon[name]}
      pick=${picks[name]} onPick=${(pick) => setPicks({ ...picks, [name]: pick })} />`)}
    ${problem && html`<${ProblemView} problem=${problem} />`}
    ${open.includes("body") && pieces && html`<${BodyChoice} pieces=${pieces} setPieces=${setPieces} />`}
    <div class="bottom"><div class="save-bar" role="group" aria-label="Merging"><div class="save-said"><p role="status">${isReady ? "Everything is decided." : "Choose what is to stay, where it is open."}</p></div>
      <${ActionButton} onClick=${onDiscard}>Put mine away<//>
      <${ActionButton} class="primary" disabled=${!isReady} onClick=${resolve}>Merge and save<//></div></div>
  </section>`;
}

/** Their text in the notation of the form, so that the two can be compared. */
function findTheirBody(base, form, theirs) {
  if (theirs.body === base.article.body) return base.form.body;
  const { notation } = form.body;
  return { notation, text: notation === "html" ? theirs.body : theirs.body_markdown };
}

function choose(open, picks, form, upon, pieces) {
  const chosen = {};
  for (const name of open) {
    if (name === "body") chosen.body = { notation: "html", text: joinPieces(pieces) };
    else chosen[name] = picks[name] === "theirs" ? upon[name] : form[name];
  }
  return chosen;
}

/** The pieces of the three texts; mine as a save would keep it. */
function usePieces(base, form, theirs, isOpen) {
  const [pieces, setPieces] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (!isOpen) return;
    previewBody(form.body).then((mine) => setPieces(mergeBodies(base.article.body, mine.body, theirs.body)), setProblem);
  }, [theirs.version]);
  return { pieces, setPieces, problem };
}

function FieldChoice({ name, mine, theirs, pick, onPick }) {
  return html`<fieldset class="choice"><legend>${LABELS[name]}</legend><div class="sides">
    <${Side} side="theirs" group=${name} pick=${pick} onPick=${onPick}><span dir="auto">${describe(theirs)}</span><//>
    <${Side} side="mine" group=${name} pick=${pick} onPick=${onPick}><span dir="auto">${describe(mine)}</span><//></div></fieldset>`;
}

function BodyChoice({ pieces, setPieces }) {
  const pick = (place) => (side) => setPieces(pieces.map((one, at) => (at === place ? { ...one, pick: side } : one)));
  return html`<section aria-label="Text"><h2>Text</h2>${pieces.map((piece, place) => (piece.kind === "same"
    ? html`<details key=${place} class="same"><summary class="small">${countThings(piece.blocks.length, "paragraph")} that both have</summary>
        <${SafeHtml} text=${piece.blocks.join("\n")} class="prose" dir="auto" /></details>`
    : html`<fieldset class="choice" key=${place}><legend>${describePiece(piece)}</legend><div class="sides">
        ${["theirs", "mine"].map((side) => html`<${Side} key=${side} side=${side} group=${`body-${place}`} pick=${piece.pick} onPick=${pick(place)}>
          ${piece[side].length === 0 ? html`<em>nothing</em>` : html`<${SafeHtml} text=${piece[side].join("\n")} class="prose" dir="auto" />`}<//>`)}</div>
        ${isOpen(piece) && html`<${Choice} side="both" group=${`body-${place}`} pick=${piece.pick} onPick=${pick(place)} />`}</fieldset>`))}</section>`;
}

function describePiece(piece) {
  if (isOpen(piece)) return "Changed by both";
  return isSame(piece.mine, piece.base) ? "Changed by them" : "Changed by you";
}

/** Whether both sides have changed it, so that both may be right. */
function isOpen({ base, mine, theirs }) {
  return !isSame(mine, base) && !isSame(theirs, base);
}

function Side({ side, group, pick, onPick, children }) {
  return html`<div class=${pick === side ? "side-choice picked" : "side-choice"}>
    <${Choice} side=${side} group=${group} pick=${pick} onPick=${onPick} />${children}</div>`;
}

function Choice({ side, group, pick, onPick }) {
  return html`<label class="check"><input type="radio" name=${group} checked=${pick === side} onChange=${() => onPick(side)} /> ${PICKS[side]}</label>`;
}
