"""Emoji are found whole, however many characters they take, and signs of text are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.emoji import EMOJI

SAMPLES = [
    "🎺", "❤", "❤️", "☎", "✈️", "👍🏽", "☝🏿", "👨‍👩‍👧‍👧", "👩🏾‍🚀", "🏳️‍🌈", "🏴‍☠️", "🏃🏽‍♀️‍➡️", "🙂‍↔️", "❤️‍🔥", "🇺🇦",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "#⃣", "*️⃣", "™️", "🫩",
]  # fmt: skip


@pytest.mark.parametrize("text", SAMPLES)
def test_emoji_is_one_match(text: str) -> None:
    assert EMOJI.fullmatch(text)
    assert EMOJI.findall(f"a{text}b {text}") == [text, text]


@pytest.mark.parametrize("text", ["a", "é", "1", "#", "*", "+", "©", "™", "→", "★", "€", "中", "🇺", "\u200d", "\ufe0f"])
def test_other_characters_are_none(text: str) -> None:
    assert not EMOJI.search(text)


def test_flags_are_taken_two_letters_at_a_time() -> None:
    assert EMOJI.findall("🇺🇦🇫🇷🇩") == ["🇺🇦", "🇫🇷"]


@given(st.lists(st.sampled_from(SAMPLES), max_size=8))
def test_emoji_side_by_side_are_told_apart(emoji: list[str]) -> None:
    assert EMOJI.findall("".join(emoji)) == emoji
