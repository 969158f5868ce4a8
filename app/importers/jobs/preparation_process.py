"""A process that prepares documents and enriches them. Has no database: regions and tags come with the documents."""

from app.db.child_process import serve_orders
from app.enrich import tags
from app.importers.document import Failure
from app.importers.enrichment import prepare_documents
from app.importers.jobs.messages import PreparationOrder
from app.importers.prepare import PreparedItem
from app.regions.atlas import Atlas


class _Work:
    def __init__(self) -> None:
        self._atlas: Atlas | None = None
        self._lexicon = tags.EMPTY

    def __call__(self, order: object) -> list[PreparedItem | Failure]:
        assert isinstance(order, PreparationOrder)
        if order.names is not None:
            self._atlas = order.names.atlas or self._atlas
            self._lexicon = tags.extend(tags.EMPTY if order.names.all_tags else self._lexicon, order.names.tags)
        assert self._atlas is not None  # it came with the first order
        return prepare_documents(order.documents, order.origin, self._atlas, self._lexicon if order.enrich else None)


if __name__ == "__main__":
    serve_orders(_Work())
