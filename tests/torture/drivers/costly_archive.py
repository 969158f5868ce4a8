"""An archive to look for expensive requests in: made-up articles of every kind and size, brought in by an import, so
that the change log has them all."""

import random
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import orjson
from support.processes import DatelineProcess

from bench import archive

PLACES = ("Belgium", "France", "Germany", "Ukraine", "China", "Japan", "Brazil", "Kenya", "India", "Canada")
LANGUAGES = ("en", "en", "en", "fr", "de", "ru", "ja")
CJK = "一国中人大新聞北京東日本語会議政府経済"
LONG, LONGEST = 400, 5_000
"""Every so many articles one of 40 kB, and one of 400 kB."""


def write_lines(file: Path, count: int) -> None:
    """One article a line, as imports read them."""
    with file.open("wb") as out:
        for line in _lines(count):
            out.write(orjson.dumps(line) + b"\n")


def _lines(count: int) -> Iterator[dict[str, object]]:
    chance = random.Random(7)
    of_tag = list(accumulate(1 / rank for rank in range(1, archive.TAGS + 1)))
    titles: list[str] = []
    for number, row in enumerate(archive.make_articles(count)):
        title, body, language = str(row["title"]), str(row["body"]), chance.choice(LANGUAGES)
        line: dict[str, object] = {
            "id": row["external_id"],
            "title": title,
            "body": {"html": _longer(body, number, language, chance)},
            "language": language,
            "date": row["published_at"],
            "tags": [f"Tag {n}" for n in chance.choices(range(archive.TAGS), cum_weights=of_tag, k=3)],
            "regions": chance.choices(PLACES, k=2),
            "authors": [f"Author {number % 200}"],
            "url": f"https://example.org/{number}",
        }
        if number % 3 == 0:
            line["standfirst"] = " ".join(body[3:200].split())
        if number % 5 == 0 and titles:
            line["related"] = [{"title": known} for known in titles[-12:]]
        if number % 50 == 0:
            url = f"https://example.org/{number}"
            line["images"] = [{"url": f"{url}-{n}.jpg", "alt": title, "caption": title} for n in range(20)]
        titles.append(title)
        yield line


def _longer(body: str, number: int, language: str, chance: random.Random) -> str:
    if language == "ja":
        body = "".join(f"<p>{''.join(chance.choices(CJK, k=200))}</p>" for _ in range(5))
    if number % LONG:
        return body
    item = f"<p>Some <em>{body[3:60]}</em>, a <a href='https://example.org/{number}'>link</a>.</p><ul><li>one</li></ul>"
    return body + (item + body) * (200 if number % LONGEST == 0 else 20)


def build(folder: Path, count: int) -> None:
    """A data folder with so many articles and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / "articles.ndjson", count)
    environment = {"DATELINE_DATA_DIR": str(folder), "DATELINE_INDEX_HEAP_MB": "100"}
    importing = DatelineProcess(
        "import", "--no-enrich", "--json", str(folder / "articles.ndjson"), environment=environment
    )
    status, said, errors = importing.wait(1_200)
    assert status == 0, said + errors
    importing.end()
