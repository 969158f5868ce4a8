"""How fast `dateline import` is, with the index beside it: articles a second, and what each process costs.

    python -m bench.imports stories.ndjson        a file of yours, into a new archive
    python -m bench.imports --generated 100000    made-up articles with tags, regions and related posts
    python -m bench.imports --generated 20000 --words 450 --language en --no-enrich

Seconds of the clock say little on a busy machine; those of the processor say what a quiet one would need: with two
processors the larger of the two figures.
"""

import random
import resource
import tempfile
import time
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.commands import import_articles, open_archive
from app.importers import sources
from app.importers.pipeline import ImportOptions
from app.regions import service as regions
from app.settings import Settings
from bench import archive


def write_archive(file: Path, count: int, countries: list[str], words: int, language: str | None) -> None:
    """The articles of `bench.archive` as lines: three tags, a country and an author each, one in five names a related
    post that is to come, by its title."""
    chance = random.Random(7)
    of_tag, of_place = (list(accumulate(1 / rank for rank in range(1, n + 1))) for n in (archive.TAGS, len(countries)))
    waiting = ""
    with file.open("wb") as out:
        for number, row in enumerate(archive.make_articles(count, length=words)):
            line: dict[str, object] = {
                "id": row["external_id"],
                "title": row["title"],
                "body": {"html": row["body"]},
                "date": row["published_at"],
                "tags": [f"Tag {n}" for n in chance.choices(range(archive.TAGS), cum_weights=of_tag, k=3)],
                "regions": chance.choices(countries, cum_weights=of_place),
                "authors": [f"Author {number % 200}"],
            }
            if language:
                line["language"] = language
            if number % 5 == 0 and waiting:
                line["related"] = [{"title": waiting}]
            waiting = str(row["title"])
            out.write(orjson.dumps(line) + b"\n")


def _list_countries(settings: Settings) -> list[str]:
    db = open_archive.open_archive(settings)
    with db.snapshot() as snapshot:
        atlas = regions.read(snapshot.connection)
    db.close_now()
    return [place.name for place in atlas.by_id.values() if place.level == "country"]


def _read_processor_time(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main(
    files: Annotated[list[Path] | None, typer.Argument(help="What to import.")] = None,
    generate: Annotated[int, typer.Option("--generated", help="How many made-up articles to import instead.")] = 0,
    words: Annotated[int, typer.Option("--words", help="Words of a made-up article.")] = archive.LENGTH,
    language: Annotated[str | None, typer.Option("--language", help="That made-up articles name.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Import a second time, when nothing has changed.")] = False,
    enrich: Annotated[bool, typer.Option("--enrich/--no-enrich", help="As `dateline import` has it.")] = True,
) -> None:
    """Imports into an archive that is thrown away, and prints figures."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        paths = [str(file) for file in files or []]
        countries = _list_countries(settings)
        if generate:
            paths = [str(Path(folder) / "generated.ndjson")]
            write_archive(Path(paths[0]), generate, countries, words, language)
        for _ in range(2 if again else 1):
            _run_import(settings, paths, ImportOptions(enrich=enrich))


def _run_import(settings: Settings, paths: list[str], options: ImportOptions) -> None:
    before = [_read_processor_time(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    began = time.monotonic()
    db = open_archive.open_archive(settings)
    items = sources.find_sources(paths, BytesIO())
    report = import_articles.run_import(db, settings, items, options, json=False, allow_private=False)
    db.close_now()
    seconds = time.monotonic() - began
    used = [
        _read_processor_time(who) - was
        for who, was in zip((resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN), before, strict=True)
    ]
    print(
        f"{report.done} items: {seconds:.1f} s, {report.done / seconds:.0f} a second; "
        f"processor: import {used[0]:.1f} s ({report.done / used[0]:.0f} a second), index {used[1]:.1f} s"
    )


if __name__ == "__main__":
    typer.run(main)
