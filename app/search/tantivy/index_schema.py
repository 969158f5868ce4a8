"""The index's fields, and an article as a document of them. Opens nothing.

A change here makes another form of the index, with a folder of its own (`storage.index_forms`), and raises ANALYSIS.
"""

import functools
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import orjson
import tantivy
import xxhash
from tantivy import Document, PreTokenizedString, Schema, Token

from app.articles.filters import BITS, HAS, HIDDEN, ArticleFacts
from app.db.log_position import LogPosition
from app.models.column_types import EARLIEST
from app.search.query import analysis
from app.search.query.analysis import ArticleDocument, TokenizedText
from app.search.similar import profile

ID_BITS = 26
"""Of an article's id in its date key: 67 million articles beside all seconds of the years 1 to 2200 fit into an i64."""

ANALYSIS = 11  # raised with every change of what the index holds: the higher one is the newer form
NUMBERS = (
    "id", "version", "newest", "year", "updated", "created", "dateline_from", "dateline_to", "source",
    "translation_of", "copy_of",
)  # fmt: skip
MANY = ("tags", "within_own", *(f"within_{mask}" for mask in range(1, 8)), "flags")
EXACT = ("language", "origin", "external_id")
STEMMED = ("title", "standfirst", "body")
TEXT = "text"
"""The stems of title, standfirst and body together: what a word scores by."""
WORDS = "words"
SCORED = (TEXT, *STEMMED, WORDS)
"""Fields of which how long they are as a rule plays a part in scores."""
NO_TERMS = "\ue002"
"""What a field of SCORED has in place of terms: every article counts in the statistics of each of them then, also where
an engine counts those alone that have a field. No term of a text is a character of Unicode's private area."""
DATELINE = "dateline"
SPELLINGS = "spellings"
"""Other spellings of words, each with the words as the text has them: `cooperation co operation`."""
TITLE_KEY = "title_key"
PLACE = "place"
PROFILE = "profile"
"""What of the article is compared with others to find those like it, as `similar.profile` packs it."""
DAY = "day"
"""Of publication, in days since 1970: postings, by which the youngest articles are found without reading all keys."""
LIVE, MONTH_ONLY, YEAR_ONLY, DAY_ONLY, UNDATED = range(1, 6)
"""Values of `flags`. Every article has LIVE: the document that holds the place has not. DAY_ONLY, MONTH_ONLY and
YEAR_ONLY: the date of publication is known no better; UNDATED: not at all."""
HAS_FLAGS = {word: 16 + i for i, word in enumerate(HAS)}
"""More of them: what an article has."""
STATE_FLAGS = {status: 6 + i for i, status in enumerate(HIDDEN)}
"""More of them, in the index of what is not published alone: the state."""
WITHDRAWN_SINCE = 1 << 40
"""Added to the second in which it was withdrawn, another one. Not fields of their own: the index of what is published,
which has none of these, would be of another form for them, and be built anew."""
COARSE = (DAY_ONLY, MONTH_ONLY, YEAR_ONLY)
_COARSE = {"day": DAY_ONLY, "month": MONTH_ONLY, "year": YEAR_ONLY}
_MASKS = [[mask for mask in range(1, 8) if roles & mask] for roles in range(8)]
"""The sets of roles that have any of the given ones."""
_WITHIN = [f"within_{mask}" for mask in range(8)]
SECONDS_A_DAY = 86_400
NEVER = EARLIEST - 1
"""The second under which articles without a date have their date key: before all that have one."""


@dataclass(frozen=True, slots=True)
class SearchableText:
    """What of an article is searched; `precision` is that of its date, `dateline` is as printed. A title that is
    `derived` was made from the first words of the body, and weighs no more than they do."""

    title: str
    standfirst: str
    body: str
    precision: str = "instant"
    dateline: str = ""
    derived: bool = False


@functools.cache
def build_schema() -> Schema:
    """Only the place and profiles are stored: cards and snippets come from SQL. `text` and `words` have no positions:
    phrases are looked for in the parts."""
    builder = tantivy.SchemaBuilder()
    for name in (*NUMBERS, *MANY):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_integer_field(DAY, indexed=True)
    for name in EXACT:
        builder.add_text_field(name, fast=name == "language", tokenizer_name="raw", index_option="basic")
    for name in (*STEMMED, DATELINE):
        # Terms come ready-made (`analysis.add_stems`): a tokenizer of the field would take the text for one language.
        builder.add_text_field(name, tokenizer_name=analysis.BETWEEN_SPACES, index_option="position")
    builder.add_text_field(TEXT, tokenizer_name=analysis.BETWEEN_SPACES, index_option="freq")
    for name in (SPELLINGS, TITLE_KEY):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(WORDS, tokenizer_name=analysis.WHOLE_WORDS, index_option="freq")
    builder.add_bytes_field(PROFILE, stored=True)
    builder.add_text_field(PLACE, stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


@functools.cache
def compute_fingerprint() -> str:
    """Another one means that the index was made with other fields or another analysis."""
    made_of = (
        NUMBERS,
        MANY,
        EXACT,
        STEMMED,
        TEXT,
        WORDS,
        DATELINE,
        SPELLINGS,
        TITLE_KEY,
        PLACE,
        PROFILE,
        profile.MOST_TERMS,
        profile.SAMPLED_RUNS,
        profile.HASHED,
        DAY,
        COARSE,
        HAS,
        NEVER,
        ANALYSIS,
        analysis.LONGEST,
        ID_BITS,
        version("tantivy"),
    )
    return hashlib.blake2b(repr(made_of).encode(), digest_size=8).hexdigest()


def make_newest_key(published_at: int | None, article_id: int) -> int:
    """Orders by date and then id, and is unique."""
    return (NEVER if published_at is None else published_at) << ID_BITS | article_id


def read_date(newest: int) -> int | None:
    """The second of publication in such a key; None where there is none."""
    second = newest >> ID_BITS
    return None if second == NEVER else second


LOWEST, HIGHEST = -(2**63), 2**63 - 1
FIRST_DATED = EARLIEST << ID_BITS
"""The lowest date key of an article that has a date."""


def build_position_document(position: LogPosition) -> Document:
    document = Document()
    document.add_text(
        PLACE, orjson.dumps([compute_fingerprint(), position.epoch, position.seq, position.mark]).decode()
    )
    _fill_empty(document, set())
    return document


def parse_position(text: str) -> LogPosition | None:
    """The place, or None where it was kept by another version of the fields."""
    made_with, epoch, seq, mark = orjson.loads(text)
    return LogPosition(epoch, seq, mark) if made_with == compute_fingerprint() else None


def build_article_document(facts: ArticleFacts, revision: int, text: SearchableText) -> Document:
    """ValueError for an article with an id over 2**26."""
    document = Document()
    fill_document(document, facts, revision, text)
    return document


def fill_document(document: ArticleDocument, facts: ArticleFacts, revision: int, text: SearchableText) -> None:
    """Adds all that an index holds of an article. ValueError for one with an id over 2**26."""
    if facts.id >> ID_BITS:
        raise ValueError(f"article {facts.id} cannot be indexed")
    document.add_integer("id", facts.id)
    document.add_integer("version", revision)
    document.add_integer("newest", make_newest_key(facts.published_at, facts.id))
    if facts.published_at is not None:
        document.add_integer("year", year_of(facts.published_at))
        document.add_integer(DAY, facts.published_at // SECONDS_A_DAY)
    document.add_integer("updated", facts.updated_at)
    for name, value in (
        ("dateline_from", facts.dateline[0]),
        ("dateline_to", facts.dateline[1]),
        ("source", facts.source),
        ("translation_of", facts.translation_of),
        ("copy_of", facts.copy_of),
        ("created", facts.created_at),
    ):
        if value is not None:
            document.add_integer(name, value)
    document.add_text("language", facts.language)
    document.add_text("origin", facts.origin)
    if facts.external_id is not None:
        document.add_text("external_id", facts.external_id)
    _add_sets(document, facts)
    if facts.published_at is None:
        document.add_integer("flags", UNDATED)
    elif text.precision in _COARSE:
        document.add_integer("flags", _COARSE[text.precision])
    parts = _add_text(document, facts.language, text)
    own_regions = [region for region, (own, _) in facts.regions.items() if own]
    compared = profile.build_profile(facts.id, revision, parts, facts.tags, own_regions, facts.published_at)
    document.add_bytes(PROFILE, profile.pack_profile(compared))


def _add_sets(document: ArticleDocument, facts: ArticleFacts) -> None:
    for tag in facts.tags:
        document.add_integer("tags", tag)
    for region, (own, within) in facts.regions.items():
        # A field for each set of roles, so that a filter by several of them is a look-up of one term.
        for mask in _MASKS[within & 7]:
            document.add_integer(_WITHIN[mask], region)
        for mask in _MASKS[own & 7]:
            document.add_integer("within_own", make_own_key(region, mask))
    document.add_integer("flags", LIVE)
    if facts.status in STATE_FLAGS:
        document.add_integer("flags", STATE_FLAGS[facts.status])
        if facts.withdrawn_at is not None:
            document.add_integer("flags", WITHDRAWN_SINCE + facts.withdrawn_at)
    for word, flag in HAS_FLAGS.items():
        if facts.has & BITS[word]:
            document.add_integer("flags", flag)


def _add_text(document: ArticleDocument, language: str, text: SearchableText) -> list[TokenizedText]:
    """Returns the terms of title, standfirst and body."""
    parts = text.title, text.standfirst, text.body
    tokenized_parts = [analysis.tokenize(part, language) for part in parts]
    filled = {WORDS} if any(tokenized.has_terms for tokenized in tokenized_parts) else set()
    for name, tokenized in zip(STEMMED, tokenized_parts, strict=True):
        if tokenized.has_terms and (name != "title" or not text.derived):
            analysis.add_stems(document, name, tokenized)
            analysis.add_stems(document, TEXT, tokenized)
            filled |= {name, TEXT}
    _fill_empty(document, filled)
    if key := make_title_key(tokenized_parts[0].normalized):
        document.add_text(TITLE_KEY, key)
    words = [tokenized for tokenized in tokenized_parts if tokenized.normalized]
    analysis.add_words(document, WORDS, words)
    for variant in analysis.list_variants(words):
        document.add_text(SPELLINGS, variant)
    if text.dateline:
        analysis.add_stems(document, DATELINE, analysis.tokenize(text.dateline, None))
    return tokenized_parts


def _fill_empty(document: ArticleDocument, filled: set[str]) -> None:
    for name in SCORED:
        if name not in filled:
            document.add_pre_tokenized_text(name, PreTokenizedString(NO_TERMS, [Token(NO_TERMS, 0, 0, 1)]))


def make_title_key(normalized: str) -> str | None:
    """What titles and whole queries, normalized, are compared by: the words, unstemmed, however they are punctuated;
    None without any."""
    words = analysis.list_normalized_words(normalized)
    return xxhash.xxh3_64_hexdigest(" ".join(words).encode()) if words else None


def make_own_key(region: int, mask: int) -> int:
    """A region of the article's own, in any of the roles of the mask."""
    # Three bits, one for each of the roles about, mention and dateline.
    return region << 3 | mask


def year_of(seconds: int) -> int:
    """The year in UTC of epoch seconds, also before 1970."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).year
