"""The sample articles in seed_data/: shape, languages and cross-references of the files as they stand.

Reads the files by simple means of its own and never imports a parser of the application.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

SEED = Path(__file__).resolve().parent.parent.parent / "seed_data"
SIGNATURE = "Facts, dated and placed. / Facts, dated and placed."
SECTIONS = {"World", "Economy", "Climate", "Explainers"}
DATELINE = re.compile(r"^\w[\w’ -]+, [^.]*(?:\d{1,2}\. \w+ )?20(?:24|25)\.( |$)")
COMMON_WORDS = {
    "en": {"the", "of", "and", "is", "that", "it"},
    "fr": {"le", "les", "et", "des", "une", "est"},
    "es": {"el", "los", "y", "del", "una", "es"},
    "de": {"der", "die", "und", "das", "ist", "den"},
}


@dataclass(frozen=True, slots=True)
class SeedArticle:
    """One article as its file gives it; `language` is None in plain text, which can't declare one."""

    where: str
    format: str
    title: str
    body: str
    dateline: str
    signature: str
    language: str | None
    section: str | None
    tags: tuple[str, ...]
    places: tuple[str, ...]
    related: tuple[str, ...]


def strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def first(row: dict[str, object], *names: str) -> object:
    return next((row[name] for name in names if name in row), None)


def text_sample(path: Path) -> SeedArticle:
    paragraphs = path.read_text("utf-8").strip().split("\n\n")
    heading = paragraphs.index("Related posts")
    title, _standfirst, *body, signature = paragraphs[:heading]
    related = tuple(paragraphs[heading + 1 :])
    return SeedArticle(path.name, "text", title, "\n\n".join(body), body[0], signature, None, None, (), (), related)


def markdown_sample(path: Path) -> SeedArticle:
    _, front, content = path.read_text("utf-8").split("---\n", 2)
    meta: dict[str, object] = yaml.load(front, Loader=yaml.BaseLoader)
    body, _, tail = content.partition("\n## Related posts\n")
    entries = tuple(re.sub(r"^- \[?|\]\(.*\)$", "", line) for line in tail.strip().splitlines() if line)
    return SeedArticle(
        path.name,
        "markdown",
        str(meta["title"]),
        body.strip(),
        body.strip(),
        str(meta["signature"]),
        str(first(meta, "language", "lang")),
        str(meta["section"]),
        strings(meta["tags"]),
        strings(meta["regions"]),
        entries,
    )


def ndjson_sample(number: int, line: str) -> SeedArticle:
    row: dict[str, object] = json.loads(line)
    body = first(row, "body", "content", "text", "body_html", "body_markdown")
    body_text = re.sub(r"<[^>]+>", " ", str(body["text"] if isinstance(body, dict) else body)).strip()
    dateline = row.get("dateline", body_text)
    related = row["related"]
    assert isinstance(related, list)
    return SeedArticle(
        f"explainers.ndjson:{number}",
        "ndjson",
        str(first(row, "title", "headline")),
        body_text,
        str(dateline["text"] if isinstance(dateline, dict) else dateline),
        str(row["signature"]),
        str(first(row, "lang", "language")),
        str(row["section"]),
        strings(first(row, "tags", "keywords")),
        strings(first(row, "places", "countries")),
        tuple(str(e.get("title") or e["url"]) if isinstance(e, dict) else str(e) for e in related),
    )


@pytest.fixture(scope="module")
def samples() -> tuple[SeedArticle, ...]:
    lines = (SEED / "explainers.ndjson").read_text("utf-8").splitlines()
    return (
        *(text_sample(path) for path in sorted(SEED.glob("text/*.txt"))),
        *(markdown_sample(path) for path in sorted(SEED.glob("markdown/*.md"))),
        *(ndjson_sample(number, line) for number, line in enumerate(lines, 1)),
    )


def guessed_language(text: str) -> str:
    words = Counter(re.findall(r"[^\W\d_]+", text.casefold()))
    return max(COMMON_WORDS, key=lambda code: sum(words[word] for word in COMMON_WORDS[code]))


def test_seed_files_cover_three_formats(samples: tuple[SeedArticle, ...]) -> None:
    assert Counter(sample.format for sample in samples) == {"text": 14, "markdown": 14, "ndjson": 12}


def test_seed_folder_holds_nothing_but_articles() -> None:
    files = {path.relative_to(SEED).as_posix() for path in SEED.rglob("*") if path.is_file()}
    assert all(re.fullmatch(r"text/[\w-]+\.txt|markdown/[\w-]+\.md|explainers\.ndjson", f) for f in files)


def test_titles_are_unique_headlines_of_four_words_or_more(samples: tuple[SeedArticle, ...]) -> None:
    assert len({sample.title.casefold() for sample in samples}) == len(samples)
    assert [s.title for s in samples if len(s.title.split()) < 4] == []


def test_languages_declared_match_the_words_used(samples: tuple[SeedArticle, ...]) -> None:
    guesses = {sample.where: guessed_language(sample.body) for sample in samples}
    assert Counter(guesses.values()) == {"en": 26, "fr": 5, "es": 5, "de": 4}
    assert [s.where for s in samples if s.language not in (None, guesses[s.where])] == []


def test_text_files_end_with_signature_and_related_posts(samples: tuple[SeedArticle, ...]) -> None:
    texts = [sample for sample in samples if sample.format == "text"]
    assert {sample.signature for sample in texts} == {SIGNATURE}
    assert all(sample.related for sample in texts)


def test_articles_open_with_a_dateline_and_are_signed(samples: tuple[SeedArticle, ...]) -> None:
    assert [s.where for s in samples if not DATELINE.match(s.dateline)] == []
    assert {sample.signature for sample in samples} == {SIGNATURE}


def test_articles_have_the_length_of_an_explainer(samples: tuple[SeedArticle, ...]) -> None:
    lengths = {sample.where: len(sample.body.split()) for sample in samples}
    assert {where: n for where, n in lengths.items() if not 250 <= n <= 600} == {}


def test_related_titles_resolve_in_part(samples: tuple[SeedArticle, ...]) -> None:
    titles = {sample.title for sample in samples}
    named = [title for s in samples for title in s.related if not title.startswith("https://")]
    unresolved = {title for title in named if title not in titles}
    assert sum(title in titles for title in named) >= 60
    assert 10 <= len(unresolved) <= 20


def test_related_posts_never_name_the_article_itself_or_one_twice(samples: tuple[SeedArticle, ...]) -> None:
    assert [s.where for s in samples if s.title in s.related or len(set(s.related)) < len(s.related)] == []
    assert {len(sample.related) for sample in samples} == {2, 3}


def test_tags_are_shared_and_sections_come_from_the_four(samples: tuple[SeedArticle, ...]) -> None:
    tags = Counter(tag for sample in samples for tag in sample.tags)
    assert 35 <= len(tags) <= 50
    assert sum(count > 1 for count in tags.values()) >= 25
    assert {sample.section for sample in samples} - {None} == SECTIONS


def test_articles_with_metadata_name_tags_and_places(samples: tuple[SeedArticle, ...]) -> None:
    with_metadata = [sample for sample in samples if sample.format != "text"]
    assert [s.where for s in with_metadata if not (s.tags and s.places)] == []
