"""Names of tags, authors and regions in a language that was asked for, in articles as they are shown."""

from collections.abc import Iterable, Mapping

from app.articles.reading.card_parts import Json
from app.regions.atlas import Atlas


def list_tag_slugs(cards: Iterable[Json]) -> set[str]:
    """Of all tags and authors that cards show, those of related articles too."""
    slugs = {str(tag["slug"]) for card in cards for name in ("tags", "authors") for tag in _rows(card, name)}
    targets = [post["article"] for card in cards for post in _rows(card, "related")]
    nested = [article for article in targets if isinstance(article, dict)]
    return slugs | list_tag_slugs(nested) if nested else slugs


def rename_all(shown: Iterable[Json], atlas: Atlas, called: Mapping[str, str], language: str) -> None:
    """Tags, authors and regions of articles by their names in a language; `called` has those of tags by slug."""
    for card in shown:
        _rename(card, atlas, called, language)


def _rename(card: Json, atlas: Atlas, called: Mapping[str, str], language: str) -> None:
    """Tags, authors and regions by their names in a language, those of the related articles too. `called` by slug."""
    for region in _rows(card, "regions"):
        place = atlas.by_slug.get(str(region["slug"]))
        region["name"] = atlas.name_in(place.id, language) if place else region["name"]
    for tag in (*_rows(card, "tags"), *_rows(card, "authors")):
        tag["name"] = called.get(str(tag["slug"]), tag["name"])
    for post in _rows(card, "related"):
        article = post["article"]
        if isinstance(article, dict):
            _rename(article, atlas, called, language)


def _rows(card: Json, name: str) -> list[Json]:
    rows = card.get(name)
    return rows if isinstance(rows, list) else []
