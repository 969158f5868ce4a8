"""Titles and words of real articles asked as they are and with one random edit: whether the article stands first or
within the first ten, and whether hits that hold a word itself stand above those that hold only a correction of it."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import httpx

from app.search.query import analysis, compounds, spelling
from bench.imported_archive import Story, open_client, read_stories
from bench.judged_collections import SEED, list_articles, search

CORPORA = ("reuters.ndjson", "digitalgov.ndjson")
WORDS = 500
"""Single words of each corpus that are asked for, and as many of them with an edit."""


def make_typo(title: str, chance: random.Random) -> str | None:
    """The title with one random edit in one word of five letters or more; None where it has no such word."""
    words = title.split()
    long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return None
    i = chance.choice(long)
    word, at = words[i], chance.randrange(len(words[i]))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    edits = [word[:at] + letter + word[at + 1 :], word[:at] + word[at + 1 :], word[:at] + letter + word[at:], swapped]
    words[i] = chance.choice([edit for edit in edits if edit != word])
    return " ".join(words)


def normalize_title(title: object) -> str:
    """Titles that differ in spaces or case only are one."""
    return " ".join(str(title or "").lower().split())


def edit_titles(stories: Sequence[Story], count: int) -> list[tuple[str, str]]:
    """At most so many different titles that occur once, each with one edit in one word."""
    occurrences = Counter(normalize_title(story.get("title")) for story in stories)
    titles = [str(s["title"]) for s in stories if s.get("title") and occurrences[normalize_title(s["title"])] == 1]
    chance = random.Random(SEED)
    chance.shuffle(titles)
    pairs: list[tuple[str, str]] = []
    for title in titles:
        edited = make_typo(title, chance)
        pairs += [(title, edited)] if edited else []
        if len(pairs) == count:
            break
    return pairs


async def measure_titles(data: Path, keep: Path | None, sample: int, *, list_failures: bool) -> None:
    """Prints how many titles that occur once find their article first, in the first three and in the first ten."""
    for name in CORPORA:
        stories = read_stories(data / "corpora" / name)
        pairs = edit_titles(stories, sample)
        async with open_client(data / "corpora" / name, keep=keep) as client:
            for what, side in (("as they are", 0), ("with one edit", 1)):
                started = time.perf_counter()
                ranks = await find_ranks(client, stories, [(pair[0], pair[side]) for pair in pairs], list_failures)
                seconds = time.perf_counter() - started
                shares = [
                    f"{_count_within(ranks, at)} ({_count_within(ranks, at) / len(ranks):.2%}) in the first {at}"
                    for at in (1, 3, 10)
                ]
                print(f"{name}: {len(ranks)} titles {what}: {', '.join(shares)}, {seconds:.0f} s", flush=True)


def _count_within(ranks: Sequence[int | None], at: int) -> int:
    return sum(rank is not None and rank <= at for rank in ranks)


async def find_ranks(
    client: httpx.AsyncClient, stories: Sequence[Story], queries: Sequence[tuple[str, str]], list_failures: bool = False
) -> list[int | None]:
    """Where the first article of each title stands when its text is asked for; None behind the first ten. Failures
    that are listed are articles that do not stand first, or with an edit not within the first ten."""
    ids_by_title: defaultdict[str, set[str]] = defaultdict(set)
    for story in stories:
        ids_by_title[normalize_title(story.get("title"))].add(str(story["id"]))
    ranks: list[int | None] = []
    for title, text in queries:
        hits, ids = list_articles(await search(client, text)), ids_by_title[normalize_title(title)]
        rank = next((rank for rank, hit in enumerate(hits, 1) if hit["external_id"] in ids), None)
        ranks.append(rank)
        if list_failures and (rank is None or (text == title and rank > 1)):
            print(f"  rank {rank}: {text}\n    for {min(ids)}: {title}")
            print(*(f"    {i:2} {hit['external_id']}: {hit['title']}" for i, hit in enumerate(hits, 1)), sep="\n")
    return ranks


async def measure_exact(data: Path, keep: Path | None, sample: int, *, list_failures: bool) -> None:
    """Of each word that was asked for, hits that hold it must stand above all that only hold another in its place."""
    for name in CORPORA:
        file, chance = data / "corpora" / name, random.Random(SEED)
        stories = read_stories(file)
        every = sorted({word for story in stories for word in _list_words(story, "title") if len(word) >= 5})
        pairs = [(word, make_typo(word, chance) or word) for word in chance.sample(every, min(WORDS, sample))]
        async with open_client(file, keep=keep) as client:
            for what, queries in (
                ("words", [word for word, _ in pairs]),
                ("words with one edit", [word for _, word in pairs]),
                ("titles with one edit", [edited for _, edited in edit_titles(stories, sample)]),
            ):
                started = time.perf_counter()
                counts = [await count_exact_below_others(client, text) for text in queries]
                seconds = time.perf_counter() - started
                corrected, below = (sum(column) for column in zip(*counts, strict=True))
                print(f"{name}: {len(queries)} {what}: {corrected} words corrected, ", end="")
                print(f"{below} exact hits below corrected ones, {seconds:.0f} s", flush=True)
                if list_failures:
                    print(*(f"  {n[1]} below: {q}" for q, n in zip(queries, counts, strict=True) if n[1]), sep="\n")


async def count_exact_below_others(client: httpx.AsyncClient, text: str) -> tuple[int, int]:
    """How many words were corrected, and how many hits that hold a word itself stand below one that does not. Of a
    title only the words that were corrected are looked at: with any of its words enough, the others have no order."""
    fields = {"fields": "title,standfirst,language,tags.name,authors.name", "include": "body_text"}
    # The whole texts of 100 articles may be more than one response holds.
    pages = [await search(client, text, 25, page=number, **fields) for number in "1234"]
    query, articles = pages[0]["query"], [article for page in pages for article in list_articles(page)]
    assert isinstance(query, dict)
    corrected = [row["word"] for row in query["corrections"]]
    below = 0
    for word in corrected or ([text] if len(text.split()) == 1 else []):
        is_exact = [_has_word(article, word, query["languages"], bool(corrected)) for article in articles]
        below += sum(there and not all(is_exact[:i]) for i, there in enumerate(is_exact))
    return len(corrected), below


def _has_word(article: Story, word: str, languages: list[str], corrected: bool) -> bool:
    """In its text, in any form and spelling of the word, or in the name of a tag or author."""
    names = [*_list_rows(article, "tags"), *_list_rows(article, "authors")]
    parts = [str(article[part] or "") for part in ("title", "standfirst", "body_text")]
    text = "\n".join([*parts, *(str(one["name"]) for one in names)])
    analysed = analysis.analyse(text, str(article["language"]))
    spelt = {joined.lower() for _, joined in compounds.list_compounds(spelling.normalize(text))}
    if not corrected:
        # `breakdown` and `break down` are one word in two spellings where articles have `break-down`.
        spelt.update("".join(pair) for words in (analysed.words, analysed.stems) for pair in pairwise(words))
    # As the index is asked for them.
    forms = [analysis.analyse_words(word, language) for language in (*languages, None)]
    return (
        bool(spelt & {*analysis.analyse_words(word)})
        or {*analysed.words}.issuperset(analysis.analyse_words(word))
        or any({*analysed.stems}.issuperset(form) for form in forms)
    )


def _list_rows(article: Story, name: str) -> list[Story]:
    rows = article[name]
    assert isinstance(rows, list)
    return rows


def _list_words(story: Story, part: str) -> list[str]:
    return [word.lower() for word in str(story.get(part) or "").split() if word.isalpha()]
