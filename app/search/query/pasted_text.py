"""Tells a text that somebody pasted from a query that somebody composed, and reads its operators as text. Pure.

A pasted headline has its own `NOT`, its own dashes and its own quotation marks; nobody who pastes it means operators.
"""

from itertools import islice

from app.search.query.lexer import Item, Notes, Operator, ParseNote, list_words
from app.search.query.tree import MOST_COMPOSED_WORDS, Node, Not, Phrase, Word, is_headline, join_all

_NOT_AS_TEXT = ParseNote(
    "operator_as_text", f"In a text of more than {MOST_COMPOSED_WORDS} words NOT is a word; -( ) excludes."
)
_MINUS_AS_TEXT = ParseNote(
    "operator_as_text",
    f"In a text of more than {MOST_COMPOSED_WORDS} words a minus between words is punctuation; -( ) excludes.",
)
PHRASE_AS_WORDS = ParseNote("phrase_as_words", "No article has this phrase; it is read as words.")


def read_operators_as_text(items: list[Item], notes: Notes, words: int) -> list[Item]:
    """The same items where somebody composed them. In a pasted text `NOT` is a word, and so is `-word` between words;
    at either end it stays an exclusion, and a note says so."""
    if words <= MOST_COMPOSED_WORDS or _is_composed(items):
        return items
    plain = [i for i, item in enumerate(items) if isinstance(item, Word) or _is_negation(item)]
    if not plain:  # nothing but exclusions
        return items
    read: list[Item] = []
    exclusions: list[str] = []
    for i, item in enumerate(items):
        match item:
            case Operator("not"):
                notes[_NOT_AS_TEXT] = None
                read.append(Word("not"))
            case Not(Word() as word) if plain[0] < i < plain[-1]:
                notes[_MINUS_AS_TEXT] = None
                read.append(word)
            case Not(Word(text)):
                exclusions.append(f"-{text}")
                read.append(item)
            case _:
                read.append(item)
    if exclusions:
        detail = f"{' '.join(exclusions)} is read as an exclusion; without the minus it is looked for."
        notes[ParseNote("exclusion_in_text", detail)] = None
    return read


def _is_negation(item: Item) -> bool:
    return isinstance(item, Operator) and item.kind == "not"


def _is_composed(items: list[Item]) -> bool:
    """Whether anything tells that the items were written for a search box: a field, a star, a phrase, `AND` or `OR`
    that join something, a minus or `NOT` before or within parentheses. Parentheses of words alone stand in texts."""
    level = 0
    for i, item in enumerate(items):
        match item:
            case Operator("(", field, negative):
                if field or negative:
                    return True
                level += 1
            case Operator(")"):
                level -= 1
            case Operator("not") if not level and not _is_opening(items[i + 1]):
                pass
            case Word():
                pass
            case Not(Word()) if not level:
                pass
            case _:
                return True
    return False


def _is_opening(item: Item) -> bool:
    return isinstance(item, Operator) and item.kind == "("


def is_quoted_headline(phrase: Phrase) -> bool:
    """Whether a phrase that is a whole query is rather a text pasted with its quotation marks: more words than people
    quote to have them side by side, or a headline in capitals. Shorter phrases are names, terms and quotations: that
    no article has one is then what was asked."""
    return len(phrase.text.split()) > MOST_COMPOSED_WORDS or is_headline(phrase.text)


def join_words(text: str, most: int) -> Node | None:
    """All words of the text, whatever signs it has; None where there are more than `most`."""
    words = list(islice(list_words(text), most + 1))
    return join_all([*words]) if 0 < len(words) <= most else None
