"""Ranking quality against judged queries: nDCG@10 of collections that lie in a folder of their own, and titles typed
with one typo. Reads `../shared/data`; writes nothing but a temporary index."""

import json
import math
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import tantivy

from app.articles.filters import Facts
from app.head import Place
from app.search import fields, folders
from app.search.engine import Question
from app.search.query import parse
from app.search.tantivy_engine import TantivyEngine

DATA = Path("../shared/data")
COLLECTIONS = {"cranfield": 0.37, "medline": 0.70, "claims": 0.80}


def facts(number: int) -> Facts:
    """An article of no particular date, place or subject."""
    return Facts(number, "published", "en", "bench", None, f"a-{number}", None, (), {}, 0, 0, (None, None), None,
                 False, False, False)  # fmt: skip


def build(root: Path, texts: Iterator[fields.Text]) -> TantivyEngine:
    """An index of these texts, numbered from 1, without a database."""
    folder = folders.create(root)
    writer = tantivy.Index(fields.schema(), str(folder)).writer(100_000_000, 1)
    for number, text in enumerate(texts, 1):
        writer.add_document(fields.article_document(facts(number), 1, text))
    writer.add_document(fields.place_document(Place(1, 1, 1)))
    writer.commit()
    writer.wait_merging_threads()
    folders.flip(root, folder)
    return TantivyEngine(root)


def ask(engine: TantivyEngine, text: str, limit: int = 10) -> list[int]:
    """Ids, best first, with the parameters that a request without any has."""
    text = " ".join(text[:512].split()[:64])
    question = Question(
        tree=parse(text).tree, order="relevance", limit=limit, match="auto", typo=True, recency="normal"
    )
    return [hit.id for hit in engine.search(question).hits]


def gain(found: list[str], judged: dict[str, int], at: int = 10) -> float:
    """nDCG with the judged score as gain."""

    def sum_up(scores: list[int]) -> float:
        return sum(score / math.log2(rank + 2) for rank, score in enumerate(scores[:at]))

    ideal = sum_up(sorted(judged.values(), reverse=True))
    return sum_up([judged.get(name, 0) for name in found]) / ideal if ideal else 0.0


def records(file: Path) -> list[dict[str, str]]:
    """The lines of an NDJSON file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def collection(folder: Path) -> tuple[float, float]:
    """nDCG@10 of the collection in a folder, and milliseconds a query."""
    documents = records(folder / "corpus.ndjson")
    queries = {str(q["id"]): q["text"] for q in records(folder / "queries.ndjson")}
    judged: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        judged[query][document] = int(score)
    with tempfile.TemporaryDirectory() as root:
        texts = (fields.Text(d.get("title") or "", d.get("standfirst") or "", d.get("body") or "") for d in documents)
        engine = build(Path(root), texts)
        started, gains = time.perf_counter(), []
        for number, text in queries.items():
            found = [str(documents[hit - 1]["id"]) for hit in ask(engine, text)]
            gains.append(gain(found, judged[number]))
        each = (time.perf_counter() - started) / len(queries) * 1000
    return sum(gains) / len(gains), each


def typed(title: str, chance: random.Random) -> str:
    """The title with one letter of one longer word wrong, missing, doubled or swapped."""
    words = title.split()
    long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not long:
        return title
    i = chance.choice(long)
    word, at = words[i], chance.randrange(len(words[i]))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    words[i] = chance.choice([word[:at] + letter + word[at + 1 :], word[:at] + word[at + 1 :],
                              word[:at] + letter + word[at:], swapped])  # fmt: skip
    return " ".join(words)


def typos(file: Path, count: int, most: int | None = None) -> tuple[float, float]:
    """Which share of titles typed with a typo find their article in the first three, and milliseconds a query.

    Of the first `most` articles of a file.
    """
    documents = [d for d in records(file)[:most] if d.get("title") and d.get("body")]
    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as root:
        engine = build(Path(root), (fields.Text(d["title"], "", d["body"]) for d in documents))
        titles: defaultdict[str, set[int]] = defaultdict(set)
        for number, document in enumerate(documents, 1):
            titles[document["title"].lower()].add(number)
        asked = chance.sample(range(len(documents)), count)
        started, hits = time.perf_counter(), 0
        for i in asked:
            right = titles[documents[i]["title"].lower()]
            query = typed(documents[i]["title"], chance)
            found = ask(engine, query, 3)
            hits += not right.isdisjoint(found)
            if right.isdisjoint(found) and "-v" in sys.argv:
                print("   missed:", query, "|", documents[i]["title"])
        each = (time.perf_counter() - started) / count * 1000
    return hits / count, each


def main() -> None:
    if not DATA.exists():
        raise SystemExit(f"There is nothing to measure against in {DATA}.")
    for name, aim in COLLECTIONS.items():
        quality, each = collection(DATA / "search" / name)
        print(f"{name}: nDCG@10 {quality:.4f} (aim {aim}), {each:.1f} ms a query")
    for name in ("reuters", "digitalgov"):
        share, each = typos(DATA / "corpora" / f"{name}.ndjson", 300)
        print(f"titles with a typo, {name}: {share:.3f} in the first three (aim 0.95), {each:.1f} ms a query")


if __name__ == "__main__":
    main()
