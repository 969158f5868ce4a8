"""The names under which sources give their fields: one table for NDJSON and for front matter.

Never looks at a value: what a field holds is read elsewhere.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

# Where one item has two names of a field, the one that stands first here is taken.
TABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "external_id": ("external_id", "id", "guid", "uuid"),
        "origin": ("origin",),
        "url": ("url", "link", "permalink"),
        "canonical_url": ("canonical_url", "canonical"),
        "slug": ("slug",),
        "title": ("title", "headline"),
        "standfirst": ("standfirst", "summary", "description", "excerpt", "deck", "dek", "subtitle"),
        "dateline": ("dateline",),
        "body": (
            "body",
            "content",
            "body_html",
            "content_html",
            "html",
            "article_html",
            "body_markdown",
            "content_markdown",
            "markdown",
            "body_text",
            "content_text",
            "text",
        ),
        "body_format": ("body_format", "content_format", "format"),
        "authors": ("authors", "author", "byline", "creator"),
        "tags": ("tags", "keywords", "topics", "topic"),
        "sections": ("sections", "section", "categories", "category"),
        "regions": ("regions", "region", "places", "locations", "countries"),
        "language": ("language", "lang"),
        "source": ("source", "publisher"),
        "signature": ("signature",),
        "related": ("related", "related_posts", "related_articles"),
        "images": ("images", "image"),
        # "published" stands behind "date", for some systems put true or false there.
        "published": (
            "published_at",
            "date",
            "published",
            "pub_date",
            "date_published",
            "publish_date",
            "publication_date",
            "published_date",
            "published_time",
            "pub_datetime",
        ),
        "updated": ("updated_at", "updated", "date_modified", "modified_at", "modified", "last_modified", "lastmod"),
        "status": ("status",),
        "draft": ("draft",),
        "previous_slugs": ("previous_slugs",),
        "previous_urls": ("previous_urls", "aliases", "redirect_from"),
    }
)

# What this archive exports beside the fields above: the first it works out again for itself, the second has no
# place of its own in a document and stays in `extra`, where it is no unknown field; so does what is left of ninjs and
# JSON-LD.
DERIVED = frozenset(
    {
        "version",
        "word_count",
        "reading_minutes",
        "created_at",
        "body_text",
        "body_markdown",
        "body_blocks",
        "gone",
        "replaced_by",
    }
)
OWN_EXTRA = frozenset(
    {
        "seo",
        "corrections",
        "translation_of",
        "original",
        "first_published_at",
        "published_precision",
        "unknown_regions",
        "ninjs",
        "jsonld",
        "withdrawn",
    }
)


def fold_name(name: str) -> str:
    """A name without what styles of writing differ in: `datePublished`, `date-published` and `date_published`, and
    columns of tables that ask: `Published?`."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "").rstrip("?*:")


_RANKS = {fold_name(name): (field, rank) for field, names in TABLE.items() for rank, name in enumerate(names)}


@lru_cache(maxsize=4096)
def find_field(name: str) -> tuple[str, int] | None:
    """The field that a source's name stands for and its rank among the names; None for an unknown name."""
    return _RANKS.get(fold_name(name))


def sort_fields(record: Mapping[str, object]) -> tuple[dict[str, tuple[str, object]], dict[str, object]]:
    """Each field with its own name in the source and its value, and what is left over under its own name.

    Absent is what is null, empty text or an empty list: it never hides another name's value.
    """
    fields: dict[str, tuple[str, object]] = {}
    ranks: dict[str, int] = {}
    extra: dict[str, object] = {}
    for name, value in record.items():
        field_rank = find_field(name)
        if field_rank is None:
            extra[name] = value
        elif value is None or value == "" or value == []:
            continue
        elif field_rank[0] not in fields:
            fields[field_rank[0]], ranks[field_rank[0]] = (name, value), field_rank[1]
        elif field_rank[1] < ranks[field_rank[0]]:
            extra.update([fields[field_rank[0]]])
            fields[field_rank[0]], ranks[field_rank[0]] = (name, value), field_rank[1]
        else:
            extra[name] = value
    return fields, extra


def list_second_names(record: Mapping[str, object]) -> list[str]:
    """The names of fields that the record has under their first name too, whatever it says there."""
    fields = ((name, field) for name in record if (field := find_field(name)) is not None)
    return [name for name, (field, rank) in fields if rank and TABLE[field][0] in record]
