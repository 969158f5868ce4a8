// Two people's versions of a body brought together: by its outermost elements, against the version that both began
// with. Pure, but for the browser's parser.

import { parseDocument } from "../../shared/safe_html.js";

/** Elements that are compared with one another at most; beyond, only what both begin and end with is the same. */
const MOST_COMPARED = 4_000_000;

/** Bodies as pieces in reading order: `{kind: "same", blocks}`, or `{kind: "changed", base, mine, theirs, pick}`. `pick`
 * is the side that changed the piece, and null where both did, in different ways. */
export function mergeBodies(base, mine, theirs) {
  const [old, own, other] = [base, mine, theirs].map(listElements);
  const mineOf = new Map(match(old, own));
  const theirsOf = new Map(match(old, other));
  const pieces = [];
  let [i, j, k] = [0, 0, 0];
  const anchors = old.map((_, at) => at).filter((at) => mineOf.has(at) && theirsOf.has(at));
  for (const at of [...anchors, old.length]) {
    const [ownEnd, otherEnd] = at === old.length ? [own.length, other.length] : [mineOf.get(at), theirsOf.get(at)];
    addChange(pieces, old.slice(i, at), own.slice(j, ownEnd), other.slice(k, otherEnd));
    if (at < old.length) addSame(pieces, own[ownEnd]);
    [i, j, k] = [at + 1, ownEnd + 1, otherEnd + 1];
  }
  return pieces;
}

/** The body that comes of the pieces; `both` has theirs before mine. */
export function joinPieces(pieces) {
  return pieces.flatMap(choose).join("\n");
}

function choose(piece) {
  if (piece.kind === "same") return piece.blocks;
  return piece.pick === "both" ? [...piece.theirs, ...piece.mine] : piece[piece.pick ?? "mine"];
}

function addSame(pieces, block) {
  const last = pieces.at(-1);
  if (last?.kind === "same") last.blocks.push(block);
  else pieces.push({ kind: "same", blocks: [block] });
}

function addChange(pieces, base, mine, theirs) {
  const [old, own, other] = [base, mine, theirs].map((blocks) => blocks.join("\n"));
  if (own === other) mine.forEach((block) => addSame(pieces, block));
  else pieces.push({ kind: "changed", base, mine, theirs, pick: own === old ? "theirs" : other === old ? "mine" : null });
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
