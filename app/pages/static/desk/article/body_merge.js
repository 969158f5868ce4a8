// Two people's versions of a body brought together: by its outermost elements, against the version that both began
// with. Pure, but for the browser's parser.

import { parseDocument } from "../../shared/safe_html.js";

/** Elements that are compared with one another at most; beyond, only what both begin and end with is the same. */
const MOST_COMPARED = 4_000_000;
/** Choices that a person makes at most, one by one; beyond, it is one text or the other. */
export const MOST_CHOICES = 500;

/** Bodies as pieces in reading order: `{kind: "same", blocks}`, or `{kind: "changed", base, mine, theirs, pick}`. `pick`
 * is the side that changed the piece, and null where both did, in different ways. Where that is so more than MOST_CHOICES
 * times, the whole of each is one piece. */
export function mergeBodies(base, mine, theirs) {
  const pieces = compareBodies(base, mine, theirs);
  if (pieces.filter(({ pick }) => pick === null).length <= MOST_CHOICES) return pieces;
  return [{ kind: "changed", base: [base], mine: [mine], theirs: [theirs], pick: null }];
}

function compareBodies(base, mine, theirs) {
  const [old, own, other] = [base, mine, theirs].map(listElements);
  const sides = [own, other].map((blocks) => ({ changes: listChanges(old, blocks), next: 0 }));
  const pieces = [];
  let done = 0;
  for (const { start, end } of listRanges(sides.flatMap(({ changes }) => changes))) {
    addSame(pieces, old.slice(done, start));
    addChange(pieces, old.slice(start, end), ...sides.map((side) => apply(side, old, start, end)));
    done = end;
  }
  addSame(pieces, old.slice(done));
  return pieces;
}

/** What one side has in place of the elements from `start` to `end` of the base: rows of `{start, end, blocks}`. */
function listChanges(old, own) {
  const changes = [];
  let [i, j] = [0, 0];
  for (const [at, place] of [...match(old, own), [old.length, own.length]]) {
    const blocks = own.slice(j, place);
    // As many in place of as many: paragraphs were reworded, each by itself.
    if (blocks.length === at - i) blocks.forEach((block, by) => changes.push({ start: i + by, end: i + by + 1, blocks: [block] }));
    else changes.push({ start: i, end: at, blocks });
    [i, j] = [at + 1, place + 1];
  }
  return changes;
}

/** Ranges of the base, in order, each with the changes that touch the same elements. What one side puts in before an
 * element that the other one changes is a change of its own. */
function listRanges(changes) {
  const ranges = [];
  for (const { start, end } of changes.sort((one, next) => one.start - next.start || one.end - next.end)) {
    const last = ranges.at(-1);
    const isTogether = last !== undefined && (start < last.end || (start === end && last.start === last.end && start === last.start));
    if (isTogether) last.end = Math.max(last.end, end);
    else ranges.push({ start, end });
  }
  return ranges;
}

/** The elements of the base from `start` to `end` as one side has them, which goes on to its next change. */
function apply(side, old, start, end) {
  const parts = [];
  let at = start;
  for (; side.next < side.changes.length && isWithin(side.changes[side.next], start, end); side.next += 1) {
    const change = side.changes[side.next];
    parts.push(old.slice(at, change.start), change.blocks);
    at = change.end;
  }
  return [...parts, old.slice(at, end)].flat();
}

/** The body that comes of the pieces; `both` has theirs before mine. */
export function joinPieces(pieces) {
  return pieces.flatMap(choose).join("\n");
}

function choose(piece) {
  if (piece.kind === "same") return piece.blocks;
  return piece.pick === "both" ? [...piece.theirs, ...piece.mine] : piece[piece.pick ?? "mine"];
}

function addSame(pieces, blocks) {
  if (blocks.length === 0) return;
  const last = pieces.at(-1);
  if (last?.kind === "same") last.blocks = last.blocks.concat(blocks);
  else pieces.push({ kind: "same", blocks });
}

function addChange(pieces, base, mine, theirs) {
  const [old, own, other] = [base, mine, theirs].map((blocks) => blocks.join("\n"));
  if (own === other) addSame(pieces, mine);
  else pieces.push({ kind: "changed", base, mine, theirs, pick: own === old ? "theirs" : other === old ? "mine" : null });
}

/** What is put in right before a range is not a part of it. */
function isWithin(change, start, end) {
  if (start === end) return change.start === start && change.end === end;
  const isBefore = change.start === start && change.end === start;
  return change.start >= start && change.end <= end && change.start < end && !isBefore;
}

/** The HTML of each outermost element, and of texts between them. */
function listElements(body) {
  const nodes = [...parseDocument(body).body.childNodes];
  return nodes.map((node) => node.outerHTML ?? escape(node.textContent)).filter((text) => text.trim() !== "");
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Pairs of places of equal elements, rising in both lists, as many as possible. */
function match(old, own) {
  let start = 0;
  while (start < old.length && start < own.length && old[start] === own[start]) start += 1;
  let tail = 0;
  while (tail < old.length - start && tail < own.length - start && old.at(-1 - tail) === own.at(-1 - tail)) tail += 1;
  const pairs = Array.from({ length: start }, (_, at) => [at, at]);
  pairs.push(...matchMiddle(old.slice(start, old.length - tail), own.slice(start, own.length - tail), start));
  for (let at = tail; at > 0; at -= 1) pairs.push([old.length - at, own.length - at]);
  return pairs;
}

function matchMiddle(old, own, start) {
  if (old.length * own.length > MOST_COMPARED) return [];
  const width = own.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = own.length - 1; j >= 0; j -= 1) {
      const [down, right] = [lengths[(i + 1) * width + j], lengths[i * width + j + 1]];
      lengths[i * width + j] = old[i] === own[j] ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(down, right);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < old.length && j < own.length; ) {
    if (old[i] === own[j]) pairs.push([start + i++, start + j++]);
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}
