"""What seven readers find in feeds, beside what the API says of the same articles: all fields that they show.

    python -m venv FOLDER/env && FOLDER/env/bin/pip install -r bench/feed_readers/requirements.txt
    cp bench/feed_readers/package.json FOLDER && npm install --prefix FOLDER
    python -m bench.feed_readers FOLDER

FOLDER lies outside the project. Without `env` or `node_modules` in it the readers of that language are left out. For
each reader and format it is printed which fields differ, in how many entries, and an example; `-` is a field that the
reader has not.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.feed_readers.documents import NAME, SITE, write_documents

Json = dict[str, Any]
HERE = Path(__file__).parent
TYPES = {"jpg": "image/jpeg", "png": "image/png"}
ENTRY_FIELDS = (
    "id", "link", "title", "summary", "summary_detail", "content", "text", "published", "published_iso", "updated",
    "authors", "first_author", "categories", "schemes", "images", "image_types", "captions", "media", "sizes",
    "credits", "first_image", "language",
)  # fmt: skip
FEED_FIELDS = ("id", "title", "link", "updated", "language", "author", "links", "deleted")


def get_type(image: Json) -> str | None:
    return TYPES.get(image["url"].partition("?")[0].rpartition(".")[2])


def expect_entry(article: Json, format: str, kind: str) -> Json:
    """What the article's entry says, by the names that readers' results have."""
    images = [image for image in article["images"] if format == "atom" or get_type(image)]
    images = images[:1] if format == "rss" else images
    body = None if kind == "summary" else article["body"]
    summary = article["standfirst"] or None
    authors = [author["name"] for author in article["authors"]]
    published = article["published_at"] if article["published_precision"] == "instant" else None
    places = [("tags", tag) for tag in article["tags"]] + [("regions", region) for region in article["regions"]]
    names = [one["name"] for _, one in places]
    return {
        "id": f"tag:api.news.example,2025:article/{article['id']}",
        "link": article["url"],
        "title": article["title"],
        "summary": summary,
        "summary_detail": summary,
        "content": body,
        "text": None if body is not None else summary or article["title"],
        "published": published,
        "published_iso": published,
        "updated": article["updated_at"],
        "authors": authors,
        "first_author": authors[0] if authors else None,
        "categories": list(dict.fromkeys(names)) if format == "json" else names,
        "schemes": [f"https://api.news.example/v1/{kind}" for kind, _ in places],
        "images": [image["url"] for image in images],
        "image_types": [get_type(image) for image in images],
        "captions": [image["caption"] for image in (article["images"] if format == "rss" else images)],
        "media": [image["url"] for image in article["images"]] if format == "rss" else [],
        "sizes": [[image["width"], image["height"]] for image in article["images"]] if format == "rss" else [],
        "credits": [image["credit"] for image in article["images"]],
        "first_image": article["images"][0]["url"] if article["images"] else None,
        "language": article["language"],
    }


def expect_feed(document: Json, articles: list[Json], deleted: list[str]) -> Json:
    """What the document says of itself; of a deletion, which moves `updated` too, the readers' own time is taken."""
    is_after, format = document["when"] == "after", document["format"]
    return {
        "title": NAME,
        "link": SITE,
        "updated": None if is_after else max(article["updated_at"] for article in articles),
        "language": "fr" if document["kind"] == "french" else None,
        "author": None if format == "rss" else NAME,
        "links": document["links"],
        "deleted": deleted if is_after and document["kind"] != "french" and format != "rss" else [],
    }


def compare_document(result: Json, document: Json, truth: Json) -> Iterator[tuple[str, str, object, object]]:
    """Field, of what, result and expected, for each that the reader has and that differs."""
    articles = [one for one in truth[document["when"]] if document["kind"] != "french" or one["language"] == "fr"]
    expected = expect_feed(document, articles, truth["deleted"])
    for name, value in result["feed"].items():
        if name == "links":
            missing = {relation: url for relation, url in expected["links"].items() if value.get(relation) != url}
            if missing:
                yield f"feed {name}", document["name"], value, missing
        elif name == "id":
            if document["format"] != "rss" and not str(value).startswith("tag:api.news.example,2025:feed/articles"):
                yield "feed id", document["name"], value, "a tag URI"
        elif expected[name] is not None and (value or None) != (expected[name] or None):
            yield f"feed {name}", document["name"], value, expected[name]
    by_id = {f"tag:api.news.example,2025:article/{article['id']}": article for article in articles}
    ids = [entry["id"] for entry in result["entries"]]
    # Of reader, whose order is its own, only which they are.
    if ids != list(by_id) and (not result["reader"].startswith("reader ") or sorted(ids) != sorted(by_id)):
        yield "entries", document["name"], len(ids), len(by_id)
    for entry in result["entries"]:
        if entry["id"] not in by_id:
            yield "id", document["name"], entry["id"], "one of ours"
            continue
        article = expect_entry(by_id[entry["id"]], document["format"], document["kind"])
        for name, value in entry.items():
            if value != article[name]:
                yield name, by_id[entry["id"]]["title"], value, article[name]


def print_differences(results: list[Json], truth: Json) -> None:
    documents = {one["name"]: one for one in truth["documents"]}
    for reader in dict.fromkeys(one["reader"] for one in results):
        for format in ("rss", "atom", "json"):
            own = [one for one in results if one["reader"] == reader and documents[one["document"]]["format"] == format]
            print(f"\n## {reader}, {format}")
            if all("error" in one for one in own):
                print(f"   {own[0]['error']}")
                continue
            differing: dict[str, list[tuple[str, object, object]]] = {}
            for one in own:
                if "error" in one:
                    differing.setdefault("error", []).append((one["document"], one["error"], ""))
                    continue
                for name, where, value, expected_value in compare_document(one, documents[one["document"]], truth):
                    differing.setdefault(name, []).append((where, value, expected_value))
            shown = next(one for one in own if "error" not in one)
            absent = [name for name in ENTRY_FIELDS if shown["entries"] and name not in shown["entries"][0]]
            absent += [f"feed {name}" for name in FEED_FIELDS if name not in shown["feed"]]
            print(f"   - {', '.join(absent)}")
            for name, some in differing.items():
                where, *values = some[0]
                value, expected_value = (str(one)[:110] for one in values)
                print(f"   {name}: {len(some)}, such as {where!r}: {value!r}, expected {expected_value!r}")
            if not differing:
                print("   nothing differs")


def run_readers(folder: Path) -> list[Json]:
    results: list[Json] = []
    python = folder / "env" / "bin" / "python"
    if python.exists():
        subprocess.run([python, HERE / "python_readers.py", folder], check=True)
        results += json.loads((folder / "read-python.json").read_text("utf-8"))
    if (folder / "node_modules").exists():
        # Beside its packages: node looks for them from where the module lies.
        shutil.copy(HERE / "node_readers.mjs", folder)
        subprocess.run(["node", folder / "node_readers.mjs", folder], check=True)
        results += json.loads((folder / "read-node.json").read_text("utf-8"))
    return results


def main() -> None:
    parser = argparse.ArgumentParser("bench.feed_readers", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    shutil.rmtree(folder / "archive", ignore_errors=True)
    asyncio.run(write_documents(folder))
    results = run_readers(folder)
    if not results:
        raise SystemExit(f"There is neither env nor node_modules in {folder}: {__doc__}")
    print_differences(results, json.loads((folder / "articles.json").read_text("utf-8")))


if __name__ == "__main__":
    main()
