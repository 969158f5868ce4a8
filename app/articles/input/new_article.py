"""From what a client sends to a new manuscript; looks up the articles and tags that it names."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.articles.html import bodies
from app.articles.input import fields, related_entries
from app.articles.input.fields import References, dateline_span, make_invalid_input
from app.articles.input.payloads import ArticleCreate, ArticleFields
from app.articles.manuscript import Manuscript
from app.articles.reading import queries
from app.context import RequestContext
from app.db.database import Database
from app.enrich import language
from app.enrich.suggestion import ROLES
from app.tags import queries as tags

__all__ = ["dateline_span", "make_manuscript", "resolve_references"]

ORIGIN = "api"


async def resolve_references(db: Database, payload: ArticleFields, *, hidden: bool) -> References:
    """Looks up the articles and tags that a body names; `hidden`: the caller may see what is not published."""
    named = related_entries.refs(payload.related or ())
    named += [str(payload.translation_of)] if payload.translation_of is not None else []
    named += [ref] if (ref := related_entries.find_ref(payload.replaced_by)) is not None else []
    tag_refs = sorted(
        {ref for one in (*(payload.authors or ()), *(payload.tags or ())) if (ref := fields.tag_ref(one))}
    )
    return References(
        await find_articles(db, named, hidden=hidden),
        await tags.by_refs(db, tag_refs, hidden=True) if tag_refs else {},
    )


async def find_articles(db: Database, refs: Sequence[str], *, hidden: bool) -> dict[str, int]:
    """Ids by reference. What a caller may not see is to them no article, as everywhere."""
    by_ref = {ref: await queries.find(db, ref) for ref in dict.fromkeys(refs)}
    return {ref: one.id for ref, one in by_ref.items() if one and (hidden or one.status == "published")}


def make_manuscript(payload: ArticleCreate, view: RequestContext, known: References, *, enrich: bool) -> Manuscript:
    """A new article; `enrich`: its language is recognised where the payload names none. InvalidInput with pointers
    for what cannot be understood: regions that do not exist, impossible dates. Whether its state goes with its date,
    `check_date` says where it is saved."""
    made = fields.read_changes(payload, ArticleCreate.model_fields, view.atlas, known)
    for name in ("gone", "replaced_by"):
        if made[name]:
            raise make_invalid_input("This is said of an article that readers have seen, not of a new one.", f"/{name}")
    made |= _derive_title(made)
    made["origin"] = made["origin"] or ORIGIN
    made["tags"] = (*made.pop("authors"), *made["tags"])
    dateline = made["dateline"]
    if dateline and dateline.region is not None:
        made["regions"] += ((dateline.region, ROLES["dateline"]),)
    if payload.language is None and enrich:
        made |= _recognise_language(made)
    return Manuscript(**made)


def _recognise_language(made: Mapping[str, Any]) -> dict[str, Any]:
    """Kept as a suggestion, which tells it from a language that an editor has set."""
    suggested = language.suggest(made["title"], bodies.to_text(made["body"]))
    return {"language": suggested.value, "suggestions": (suggested,)} if suggested else {}


def _derive_title(made: Mapping[str, Any]) -> dict[str, Any]:
    """A new article without a title is called by the first words of its body."""
    if made["title"]:
        return {}
    words = bodies.to_text(made["body"]).split()
    if not words:
        raise make_invalid_input("An article needs a title or a body.", "/title")
    return {"title": _first_words(" ".join(words)), "title_derived": True}


def check_date(new: Manuscript, now: int) -> None:
    """InvalidInput for a state that does not go with the date of publication; `now` is the database's time."""
    at = new.published_at
    if new.status == "scheduled" and at is None:
        raise make_invalid_input("A scheduled article needs published_at.", "/published_at")
    if new.status == "published" and at is not None and at > now:
        raise make_invalid_input("A published article cannot have a date in the future; schedule it.", "/published_at")
    if new.status == "scheduled" and at is not None and at <= now:
        raise make_invalid_input("A scheduled article needs a date in the future.", "/published_at")


def _first_words(words: str) -> str:
    """At most 80 characters, cut between words."""
    return words if len(words) <= 80 else words[:80].rpartition(" ")[0] + "…"
