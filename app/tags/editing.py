"""Makes and changes single tags for editors. Plain functions, session first; never commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session

from app.changes import log
from app.errors import FieldError, InvalidInput, SlugTaken
from app.models import Tag, TagName, TagSlug, table
from app.regions import names as naming
from app.tags import queries, service
from app.text import keys

TAG, SLUG, NAME = table(Tag), table(TagSlug), table(TagName)


@dataclass(frozen=True, slots=True)
class TagEdit:
    """What an editor gives; None leaves it. `names` is merged in, `aliases` replace."""

    name: str | None = None
    slug: str | None = None
    kind: str | None = None
    names: Mapping[str, str | None] | None = None
    aliases: Sequence[str] | None = None


def create(session: Session, edit: TagEdit) -> int:
    """A new tag. SlugTaken for a slug that leads to another, and without one for a name that another of its kind has:
    who means a namesake gives a slug."""
    assert edit.name is not None
    assert edit.kind is not None
    spec = service.TagSpec(edit.name, edit.kind, edit.slug)
    if edit.slug is None and service.find(session, [spec]):
        raise SlugTaken(spec.ref)
    if edit.slug is not None and service.owner(session, edit.slug) is not None:
        raise SlugTaken(edit.slug)
    slug = edit.slug or service.free_slug(session, spec.ref, edit.kind)
    row = {"slug": slug, "name": edit.name, "sort_name": keys.sort_key(edit.name), "kind": edit.kind, "listed": True}
    id = service.insert_tag(session, row)
    _name(session, id, naming.revise(naming.Naming(edit.name, {}), None, edit.names, edit.aliases))
    log.record(session, log.LogEntry("tag", id, "tag_added", public=True))
    return id


def revise(session: Session, id: int, edit: TagEdit) -> None:
    """Changes a tag; one row in the log, nothing of any article. Where nothing changes nothing is recorded."""
    connection = session.connection()
    held = select(TAG.c.slug, TAG.c.name, TAG.c.kind).where(TAG.c.id == id).with_for_update(key_share=True)
    slug, name, kind = connection.execute(held).one()
    _check_kind(kind, edit.kind)
    rows = select(NAME.c.language, NAME.c.name, NAME.c.alias).where(NAME.c.tag_id == id).order_by(NAME.c.id)
    old = naming.read(name, ((row[0], row[1], row[2]) for row in connection.execute(rows)))
    new = naming.revise(old, edit.name, edit.names, edit.aliases)
    changed = [field for field in ("name", "names", "aliases") if getattr(old, field) != getattr(new, field)]
    if changed:
        _name(session, id, new)
    if edit.slug not in (None, slug):
        _move(session, id, slug, edit.slug or "")
        changed.append("slug")
    if edit.kind not in (None, kind):
        changed.append("kind")
    if changed:
        values = {"name": new.name, "sort_name": keys.sort_key(new.name), "kind": edit.kind or kind}
        connection.execute(update(TAG).where(TAG.c.id == id).values(values))
        shown = is_public(session, id)
        before = {"slug": slug} if "slug" in changed else None  # by it copies find what they have to mend
        entry = log.LogEntry(
            "tag", id, "tag_renamed", public=shown, changed_fields=tuple(sorted(changed)), before=before
        )
        log.record(session, entry)


def _check_kind(old: str, new: str | None) -> None:
    if new is not None and service.family(old) != service.family(new):
        allowed = tuple(kind for kind in service.KINDS if service.family(kind) == service.family(old))
        detail = f"A {old} cannot become a {new}: articles show and filter the two differently."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/kind", allowed=allowed))


def _name(session: Session, id: int, named: naming.Naming) -> None:
    connection = session.connection()
    connection.execute(delete(NAME).where(NAME.c.tag_id == id))
    connection.execute(insert(NAME), naming.rows(named, {"tag_id": id}, keys.name_key))


def _move(session: Session, id: int, old: str, new: str) -> None:
    """The old slug goes on leading here; one of its own old ones it may have back."""
    if service.owner(session, new) not in (None, id):
        raise SlugTaken(new)
    connection = session.connection()
    connection.execute(delete(SLUG).where(SLUG.c.slug == new))
    connection.execute(update(TAG).where(TAG.c.id == id).values(slug=new))
    connection.execute(insert(SLUG), {"slug": old, "tag_id": id})


def is_public(session: Session, id: int) -> bool:
    """Whether the public may know of the tag: not of one that only drafts have."""
    statement = select(TAG.c.id).where(TAG.c.id == id, queries.public(TAG))
    return session.connection().execute(statement).first() is not None
