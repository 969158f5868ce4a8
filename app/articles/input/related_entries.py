"""From the related posts of a body to entries: what refers to which article, and what cannot be understood. Pure."""

from collections.abc import Mapping, Sequence

from app.articles.input.payloads import ArticleIn, RelatedIn
from app.articles.manuscript import RelatedEntry
from app.errors import FieldError, InvalidInput


def refs(entries: Sequence[str | RelatedIn]) -> list[str]:
    """The articles that are named, by id or slug, to be looked up."""
    return [ref for one in entries if isinstance(one, RelatedIn) and (ref := _ref(one)) is not None]


def read(
    items: Sequence[str | RelatedIn], articles: Mapping[str, int], pointer: str, own: int | None = None
) -> list[RelatedEntry]:
    """The entries in their order, without those that were computed as similar. InvalidInput with pointers below
    `pointer`, of all mistakes at once; `articles` are those found, by ref, `own` the one that they are for."""
    entries: list[RelatedEntry] = []
    wrong: list[FieldError] = []
    for i, one in enumerate(items):
        post = RelatedIn(title=one) if isinstance(one, str) else one
        if post.kind == "similar":
            continue
        entry = _read(post, articles, f"{pointer}/{i}", own)
        if isinstance(entry, FieldError):
            wrong.append(entry)
        else:
            entries.append(entry)
    if wrong:
        raise InvalidInput(*wrong)
    return entries


def _read(post: RelatedIn, articles: Mapping[str, int], pointer: str, own: int | None) -> RelatedEntry | FieldError:
    ref = _ref(post)
    if post.unlinked and not post.title and not post.url:
        return _wrong("What is unlinked needs a title or an url of its own.", pointer)
    if ref is None and not post.title and not post.url:
        return _wrong("A related post needs an article, a title or a url.", pointer)
    if ref is None and isinstance(post.article, ArticleIn) and not post.unlinked:
        return _wrong("An article is named by its id or slug.", f"{pointer}/article")
    target = articles.get(ref) if ref is not None else None
    if ref is not None and target is None:
        return _wrong(f"There is no article {ref[:80]!r}.", f"{pointer}/article")
    if target is not None and target == own:
        return _wrong("An article is not related to itself.", f"{pointer}/article")
    return RelatedEntry(post.title or None, post.url or None, target, post.unlinked)


def _ref(post: RelatedIn) -> str | None:
    """None for entries that link to nothing."""
    return None if post.unlinked or post.kind == "similar" else find_ref(post.article)


def find_ref(one: str | int | ArticleIn | None) -> str | None:
    """The id or slug by which a body names an article; None where it names none."""
    if isinstance(one, ArticleIn):
        one = one.id if one.id is not None else one.slug
    return None if one is None else str(one)


def _wrong(detail: str, pointer: str) -> FieldError:
    return FieldError("invalid_value", detail, pointer=pointer)
