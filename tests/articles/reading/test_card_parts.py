"""A card cut and joined again is what encoding all of it at once gives, whatever its texts say."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.articles.reading.card_parts import FIELDS, Json, cut_card, cut_properties, read_selection, select_parts

NAMES = [name for name in FIELDS if name not in ("body", "related")]
TEXTS = st.text(max_size=20) | st.sampled_from(['","authors":[', ',"images":[', '\\","authors":[{"', "é\n"])
LISTS = st.lists(st.fixed_dictionaries({"slug": TEXTS, "name": TEXTS}), max_size=2)
CARDS = st.fixed_dictionaries({name: LISTS if name in ("authors", "images", "tags") else TEXTS for name in NAMES})
FIELD_SETS = st.lists(st.sampled_from([*NAMES, "tags.name", "body", "related"]), max_size=4)
ADDED = st.dictionaries(st.sampled_from(["body", "related", "body_text"]), TEXTS)


@given(CARDS, FIELD_SETS, ADDED)
def test_what_is_added_to_a_card_stands_in_the_documented_order(card: Json, fields: list[str], added: Json) -> None:
    card, selection = {name: card[name] for name in NAMES}, read_selection(fields)
    parts = cut_properties(card, selection) if fields else cut_card(orjson.dumps(card))
    shown = (select_parts(card, selection) if fields else card) | added
    order = [*FIELDS, "body_text"]
    expected = orjson.dumps({name: shown[name] for name in order if name in shown})
    encoded = {name: orjson.dumps(added[name]) for name in order if name in added}
    assert parts.join(encoded) == expected
    if not added:
        assert parts.shown == expected
