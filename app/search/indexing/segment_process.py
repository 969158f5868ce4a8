"""A process that makes documents of the rows that it is sent and writes them as segments of an index. Has no
database.
"""

from pathlib import Path

from app.db.child_process import serve_orders
from app.search.indexing.segments import Finish, Portion, SegmentWriter, Start
from app.search.query import word_cache


class _Work:
    def __init__(self) -> None:
        self._writer: SegmentWriter | None = None

    def __call__(self, order: object) -> None:
        if isinstance(order, Start):
            self._writer = SegmentWriter(Path(order.folder), order.heap, order.content)
            return
        assert self._writer is not None
        if isinstance(order, Portion):
            self._writer.add(order)
        elif isinstance(order, Finish):
            self._writer.finish()


if __name__ == "__main__":
    word_cache.raise_limit()
    serve_orders(_Work())
