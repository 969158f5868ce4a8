"""Makes and changes groupings and cities for editors; the regions of UN M49 are given. Plain functions, session first;
never commits.

The tree is right with the commit. What articles lie in follows in chunks, by a job that a change of the tree begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import delete, insert, select, update
from sqlmodel import Session

from app.changes import log
from app.db.sql import lock_vocabulary
from app.errors import SlugTaken
from app.models import Region, RegionMember, RegionName, table
from app.regions import names as naming, service
from app.regions.names import Naming
from app.regions.standard_regions import fold
from app.text import keys

REGION, NAME, MEMBER = table(Region), table(RegionName), table(RegionMember)
OWN_LEVELS = ("grouping", "city")
"""What an archive may add and change."""


@dataclass(frozen=True, slots=True)
class RegionEdit:
    """What an editor gives, regions by id; None leaves it. `names` is merged in, `aliases` and `members` replace."""

    name: str | None = None
    names: Mapping[str, str | None] | None = None
    aliases: Sequence[str] | None = None
    members: Sequence[int] | None = None
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class EditedRegion:
    """The region, and the job that brings articles to where they lie now, if any has to be brought."""

    id: int
    job: int | None


def create(session: Session, level: str, slug: str | None, edit: RegionEdit) -> EditedRegion:
    """A new grouping with members or city with a parent. SlugTaken where another region has the slug; without one it is
    made from the name."""
    assert edit.name is not None
    lock_vocabulary(session.connection(), alone=True)
    chosen = _free_slug(session, slug or keys.slug(edit.name, "region"))
    row = {
        "slug": chosen,
        "name": edit.name,
        "level": level,
        "parent_id": edit.parent,
        "successors": orjson.dumps([]).decode(),
    }
    id: int = session.connection().execute(insert(REGION).returning(REGION.c.id), row).scalar_one()
    _name(session, id, naming.revise(Naming(edit.name, {}), None, edit.names, edit.aliases))
    job = _reshape(session, id, RegionEdit(members=edit.members))
    log.record(session, log.LogEntry("region", id, "region_added", public=True, changed_fields=("name",)))
    return EditedRegion(id, job)


def _free_slug(session: Session, slug: str) -> str:
    taken = select(REGION.c.id).where(REGION.c.slug == slug)
    if session.connection().execute(taken).first() is not None:
        raise SlugTaken(slug)
    return slug


def revise(session: Session, id: int, edit: RegionEdit) -> EditedRegion:
    """Changes a grouping or city. A new name is one row in the log; where nothing changes nothing is recorded."""
    connection = session.connection()
    lock_vocabulary(connection, alone=True)
    name, parent = connection.execute(select(REGION.c.name, REGION.c.parent_id).where(REGION.c.id == id)).one()
    rows = select(NAME.c.language, NAME.c.name, NAME.c.alias).where(NAME.c.region_id == id).order_by(NAME.c.id)
    old = naming.read(name, ((row[0], row[1], row[2]) for row in connection.execute(rows)))
    new = naming.revise(old, edit.name, edit.names, edit.aliases)
    changed = [field for field in ("name", "names", "aliases") if getattr(old, field) != getattr(new, field)]
    if changed:
        connection.execute(update(REGION).where(REGION.c.id == id).values(name=new.name))
        _name(session, id, new)
    members = set(connection.execute(select(MEMBER.c.member_id).where(MEMBER.c.grouping_id == id)).scalars())
    changed += ["members"] if edit.members is not None and {*edit.members} != members else []
    changed += ["parent"] if edit.parent not in (None, parent) else []
    job = _reshape(session, id, edit) if {*changed} & {"members", "parent"} else None
    if changed:
        entry = log.LogEntry("region", id, "region_renamed", public=True, changed_fields=tuple(sorted(changed)))
        log.record(session, entry)
    return EditedRegion(id, job)


def _name(session: Session, id: int, named: Naming) -> None:
    connection = session.connection()
    connection.execute(delete(NAME).where(NAME.c.region_id == id))
    connection.execute(insert(NAME), naming.rows(named, {"region_id": id}, fold))


def _reshape(session: Session, id: int, edit: RegionEdit) -> int | None:
    """Members and parent as given, the closure anew; the job for articles of regions that lie in others now."""
    connection = session.connection()
    before = service.read(connection).within
    if edit.parent is not None:
        connection.execute(update(REGION).where(REGION.c.id == id).values(parent_id=edit.parent))
    if edit.members is not None:
        connection.execute(delete(MEMBER).where(MEMBER.c.grouping_id == id))
        if edit.members:
            rows = [{"grouping_id": id, "member_id": member} for member in sorted({*edit.members})]
            connection.execute(insert(MEMBER), rows)
    slug = connection.execute(select(REGION.c.slug).where(REGION.c.id == id)).scalar_one()
    return service.follow(session, service.rebuild_closure(session, before), f"/v1/regions/{slug}")
