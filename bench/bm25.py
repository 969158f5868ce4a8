"""Plain BM25 as the reference for search quality: one field of title, standfirst and body, in the terms that the index
has of them. It knows nothing of fields, positions, corrections or dates: ranking has to be worth more than this."""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from app.search.query.analysis import analyse, list_stems

K1, B = 1.2, 0.75
"""What Lucene and tantivy have without configuration."""
Story = dict[str, object]


class PlainBM25:
    """An index of stories in memory, in the language of each; `keep_stop_words` leaves tantivy's lists aside."""

    def __init__(self, stories: Iterable[Story], *, keep_stop_words: bool = False) -> None:
        self._keep_stop_words = keep_stop_words
        self._ids: list[str] = []
        self._postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        languages: Counter[str] = Counter()
        for number, story in enumerate(stories):
            language = str(story.get("language") or "en")
            languages[language] += 1
            terms = self._list_terms(
                "\n".join(str(story.get(part) or "") for part in ("title", "standfirst", "body")), language
            )
            self._ids.append(str(story["id"]))
            self._lengths.append(len(terms))
            for term, count in Counter(terms).items():
                self._postings[term].append((number, count))
        self._language = languages.most_common(1)[0][0]
        self._average = sum(self._lengths) / len(self._lengths)

    def _list_terms(self, text: str, language: str) -> list[str]:
        return [*analyse(text, language).stems] if self._keep_stop_words else list_stems(text, language)

    def search(self, text: str, limit: int = 10) -> list[str]:
        """Ids, the best first, of equal ones the earlier; any word of the text is enough, one twice counts twice."""
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in Counter(self._list_terms(text, self._language)).items():
            postings = self._postings.get(term, [])
            idf = math.log(1 + (len(self._ids) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, count in postings:
                norm = K1 * (1 - B + B * self._lengths[number] / self._average)
                scores[number] += weight * idf * count * (K1 + 1) / (count + norm)
        best = heapq.nsmallest(limit, scores.items(), key=lambda item: (-item[1], item[0]))
        return [self._ids[number] for number, _ in best]
