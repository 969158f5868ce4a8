"""Two versions of a text that are merged in a browser: whichever is chosen is there to the letter, and what only one
has changed needs no choice."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from app.pages.assets import read_modules
from app.pages.modules import join_modules

pytestmark = [pytest.mark.slow, pytest.mark.browser]

TRIALS = """() => {
  const { mergeBodies, joinPieces } = window.merging;
  let seed = 7;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const vary = (blocks, side) => blocks.flatMap((block) => {
    const kind = random(8);
    if (kind === 0) return [];
    if (kind === 1) return [block, `<p>added ${side} ${random(3)}</p>`];
    if (kind === 2) return [`<p>${side} ${random(3)}</p>`];
    return kind === 3 ? [block, block] : [block];
  });
  const pickAll = (pieces, pick) => joinPieces(pieces.map((piece) => ({ ...piece, pick })));
  const faults = [];
  for (let trial = 0; trial < 4000; trial += 1) {
    const old = Array.from({ length: random(7) }, () => `<p>word ${random(4)}</p>`);
    const [base, mine, theirs] = [old, vary(old, "mine"), vary(old, "theirs")].map((blocks) => blocks.join("\\n"));
    const both = mergeBodies(base, mine, theirs);
    const open = both.filter((piece) => piece.kind === "changed" && piece.pick === null);
    const told = {
      mine: pickAll(both, "mine") === mine,
      theirs: pickAll(both, "theirs") === theirs,
      onlyMine: joinPieces(mergeBodies(base, mine, base)) === mine,
      onlyTheirs: joinPieces(mergeBodies(base, base, theirs)) === theirs,
      alike: joinPieces(mergeBodies(base, mine, mine)) === mine,
      open: open.every((piece) => piece.mine.join() !== piece.base.join() && piece.theirs.join() !== piece.base.join()),
    };
    if (!Object.values(told).every(Boolean)) faults.push([told, base, mine, theirs]);
  }
  return faults.slice(0, 3);
}"""
LONG = """() => {
  const { mergeBodies, joinPieces } = window.merging;
  const write = (side) => Array.from({ length: 40000 }, (_, at) => `<p>${at % 3 ? side : ""} ${at}</p>`).join("\\n");
  const [base, mine, theirs] = ["", "mine", "theirs"].map(write);
  const begin = performance.now();
  const pieces = mergeBodies(base, mine, theirs);
  const isWhole = joinPieces(pieces.map((piece) => ({ ...piece, pick: "mine" }))) === mine;
  const one = joinPieces(mergeBodies(base, mine, base)) === mine;
  return [isWhole && one, pieces.length, performance.now() - begin];
}"""


@pytest.fixture(scope="module")
def merge_page(browser: Browser) -> Iterator[Page]:
    """A page with the functions of the module as `window.merging`."""
    page = browser.new_page()
    text = join_modules("desk/article/body_merge.js", read_modules(), {}).text
    page.add_script_tag(type="module", content=f"{text}\nwindow.merging = {{ mergeBodies, joinPieces }};")
    page.wait_for_function("window.merging")
    yield page
    page.close()


def test_no_choice_loses_a_word(merge_page: Page) -> None:
    assert merge_page.evaluate(TRIALS) == []


def test_long_texts_are_merged_while_one_waits(merge_page: Page) -> None:
    is_whole, choices, milliseconds = merge_page.evaluate(LONG)
    assert is_whole
    assert choices == 1, "nobody makes thousands of choices"
    assert milliseconds < 10_000
