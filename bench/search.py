"""Search latency at the engine, beside the same question put to tantivy itself. Sizes are arguments: `… 5000 100000`.

The articles are made up: words by Zipf's law, three tags and some regions each, ten years of dates.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import tantivy
from tantivy import Occur, Query

from app.articles.filters import ArticleFacts, ArticleFilter
from app.db.log_position import LogPosition
from app.search.engine import Question, SimilaritySample
from app.search.query import analysis
from app.search.query.parser import parse
from app.search.tantivy import index_schema
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage import index_folders

WORDS, LENGTH, TAGS, REGIONS = 40_000, 220, 500, 200
NOW = 1_760_000_000 // 86_400 * 86_400


class MadeUpCorpus:
    """Repeatable articles; word number 0 is the commonest."""

    def __init__(self, seed: int = 3) -> None:
        self.chance = random.Random(seed)
        letters = "aeiou", "bcdfgklmnprst"
        word_set: dict[str, None] = {}
        while len(word_set) < WORDS:
            length = self.chance.randrange(2, 6)
            word_set[
                "".join(self.chance.choice(letters[1]) + self.chance.choice(letters[0]) for _ in range(length))
            ] = None
        self.words = list(word_set)
        self.weights = list(accumulate(1 / (rank + 2) for rank in range(WORDS)))
        self.tag_weights = list(accumulate(1 / (rank + 1) for rank in range(TAGS)))

    def make_text(self, length: int) -> str:
        return " ".join(self.chance.choices(self.words, cum_weights=self.weights, k=length))

    def make_facts(self, number: int) -> ArticleFacts:
        chance = self.chance
        tags = tuple(set(chance.choices(range(1, TAGS + 1), cum_weights=self.tag_weights, k=3)))
        country = chance.randrange(20, REGIONS)
        regions = {country: (1, 1), country % 20: (0, 1), 0: (0, 1)}
        language, slug = chance.choice(["en", "en", "en", "fr", "de"]), f"a-{number}"
        return ArticleFacts(number, "published", language, "bench", None, slug,
                            chance.randrange(1, 6), tags, regions, NOW - chance.randrange(3650 * 86_400), NOW,
                            (None, None), None, False, False, False)  # fmt: skip

    def make_documents(self, count: int) -> Iterator[tantivy.Document]:
        for number in range(1, count + 1):
            text = index_schema.SearchableText(self.make_text(8), self.make_text(15), self.make_text(LENGTH))
            yield index_schema.build_article_document(self.make_facts(number), 1, text)


def build_index(root: Path, corpus: MadeUpCorpus, count: int) -> TantivyEngine:
    folder = index_folders.create_folder(root)
    index = tantivy.Index(index_schema.build_schema(), str(folder))
    analysis.register_tokenizer(index)
    writer = index.writer(200_000_000, 1)
    for document in corpus.make_documents(count):
        writer.add_document(document)
    writer.add_document(index_schema.build_position_document(LogPosition(1, 1, 1)))
    writer.commit()
    writer.wait_merging_threads()
    index_folders.make_current(root, folder)
    return TantivyEngine(root)


def print_times(name: str, run: Callable[[], object], times: int = 40) -> None:
    run()
    taken = []
    for _ in range(times):
        started = time.thread_time()  # of the processor: a busy machine does not show
        run()
        taken.append((time.thread_time() - started) * 1000)
    taken.sort()
    print(f"  {name:<34} p50 {statistics.median(taken):8.3f} ms   p95 {taken[int(times * 0.95)]:8.3f} ms")


def make_question(text: str, article_filter: ArticleFilter = ArticleFilter(), **options: object) -> Question:  # noqa: B008 # frozen
    """As a request without parameters asks it."""
    values: dict[str, object] = {"order": "relevance", "match": "auto", "typo": True, "recency": "normal", "today": NOW}
    return Question(article_filter, parse(text).tree, **(values | options))  # type: ignore[arg-type] # its own fields


def measure_engine(engine: TantivyEngine, corpus: MadeUpCorpus) -> None:
    common, second, third, rare = (corpus.words[rank] for rank in (3, 40, 300, 20_000))
    view = engine.view()
    body = Query.term_query(index_schema.build_schema(), "body", common)
    both = Query.boolean_query(
        [(Occur.Must, Query.term_query(index_schema.build_schema(), "body", w)) for w in (common, second)]
    )
    terms = {"by": {"terms": {"field": "tags", "size": 1000, "segment_size": 1_000_000}}}

    engine.languages()

    def cold(run: Callable[[], object]) -> Callable[[], object]:
        """Without what the engine remembers of questions to this commit."""

        def forgetful() -> object:
            for key in [key for key in view.memo if key != "languages"]:
                del view.memo[key]
            return run()

        return forgetful

    print_times("tantivy: common word", lambda: view.searcher.search(body, 20))
    print_times("tantivy: two words", lambda: view.searcher.search(both, 20))
    print_times("tantivy: tags of everything", lambda: view.searcher.aggregate(Query.all_query(), terms))
    pasted = corpus.make_text(40)
    tagged = ArticleFilter(tags=(1,), regions=(25, 26), published=(NOW - 86_400 * 900, None))
    for name, run in (
        ("common word", lambda: engine.search(make_question(common))),
        ("rare word", lambda: engine.search(make_question(rare))),
        ("two words", lambda: engine.search(make_question(f"{common} {second}"))),
        ("two words by date", lambda: engine.search(make_question(f"{common} {second}", order="-published_at"))),
        ("three words and filters", lambda: engine.search(make_question(f"{common} {second} {third}", tagged))),
        ("phrase", lambda: engine.search(make_question(f'"{common} {second}"'))),
        ("any of two", lambda: engine.search(make_question(f"{second} OR {third}"))),
        ("misspelt word", lambda: engine.search(make_question(corpus.words[900] + "x"))),
        ("unfinished word", lambda: engine.search(make_question(corpus.words[900][:4], prefix=True))),
        ("pasted text of 40 words", lambda: engine.search(make_question(pasted))),
        ("facets of a common word", lambda: engine.count_facets(make_question(common), ("tag", "region", "year"))),
        ("facets of everything", lambda: engine.count_facets(Question(), ("tag", "region", "year"))),
        ("filter, newest 20", lambda: engine.search(Question(tagged))),
        (
            "similar",
            lambda: engine.find_similar(
                SimilaritySample(1, "en", pasted, corpus.make_text(200), (1, 2)), ArticleFilter(), (), 5
            ),
        ),
    ):
        print_times(name, cold(run))
    print_times("common word, asked before", lambda: engine.search(make_question(common)))


def main() -> None:
    for size in [int(argument) for argument in sys.argv[1:]] or [5_000]:
        corpus = MadeUpCorpus()
        with tempfile.TemporaryDirectory() as root:
            started = time.perf_counter()
            engine = build_index(Path(root), corpus, size)
            print(f"{size} articles, made and indexed at {size / (time.perf_counter() - started):.0f} a second")
            measure_engine(engine, corpus)


if __name__ == "__main__":
    main()
