"""Merges what a source says into an article that is here, three ways: what the source said last, what it says now, and
what people have edited since.

A property follows the source where the source has changed it and nobody has edited it here. What was withdrawn or
binned stays so, unless only an undo did it; what an editor took back to draft is not published again, and nothing
public is hidden but by a retraction. What is public here takes nothing over from a source that is not: until that one
is public again, it stays whole. Reads only; what is to be saved is saved by the caller.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from sqlmodel import Session

from app.articles import editing
from app.articles.manuscript import Manuscript
from app.articles.reimport import equality
from app.articles.store import authorship, slugs, stored_article
from app.articles.store.field_hashes import EMPTY, FIELDS, UNSAID, Hashes, digest, pack, unpack
from app.articles.store.row_columns import ExistingRow
from app.articles.store.stored_article import StoredArticle
from app.enrich.suggestion import DATELINE

EDITED = "edited here, source differs: {}"
WITHDRAWN = "withdrawn here, left alone"
TRASHED = "in the bin here, left alone"
TAKEN_BACK = "taken back to draft here, not published again"
PURGED = "purged here, left alone"
LEFT_ALONE = {"withdrawn": WITHDRAWN, "trashed": TRASHED}
"""What is said of articles in states that no source takes them out of."""
_AHEAD = "{} at the source, {} here"
DRAFT = _AHEAD.format("draft", "public")
_WORDS = {"draft": "draft", "trashed": "draft", "scheduled": "scheduled", "withdrawn": "withdrawn"}
"""What a state of the source is called."""
_AHEAD_OF_HIDDEN = tuple(dict.fromkeys(_AHEAD.format(word, "scheduled") for word in _WORDS.values()))
HELD = "left as it is here until the source is public, source differs: {}"
RELEASED = "no longer a draft at the source, draft here"
PUBLISHING = ("published", "scheduled")
NEVER = 1 << 62
"""When everybody may read what is neither public nor scheduled."""
_HIDDEN = {digest(orjson.dumps((status, None))): status for status in ("draft", "trashed", "withdrawn")}
"""States that are not public, by the hash of a source that says them."""
OF_HIDDEN = (*LEFT_ALONE.values(), TAKEN_BACK, PURGED, RELEASED, *_AHEAD_OF_HIDDEN)
"""Notes that tell of articles that are not public."""
SAME_PAGE = "the article at its address came in another format, left alone"
UNKNOWN = "taken back at the source, and not in this archive"

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "title_derived"),
    "body": ("body", "word_count"),
    "source": ("source", "source_url"),
    "published_at": ("published_at", "published_precision"),
    "status": ("status", "withdrawal"),
    "addresses": ("previous_slugs", "previous_urls"),
    "original": ("translation_of",),
}
"""Of a manuscript, by field, where the names differ."""
_SUGGESTED = ("regions", "language")
_NEEDED = ("title", "language", "published_at", "status", "slug", "corrections")
"""Fields that are not emptied: of these a source that says nothing has said nothing."""


@dataclass(frozen=True, slots=True)
class Merged:
    """`manuscript` None: the article stays as it is. `heard` is how much of what the source says is what it said last
    from now on: its state alone where the rest waits until the source is public. `is_kept`: the article keeps its own
    state, which is not the draft of the source."""

    manuscript: Manuscript | None
    notes: tuple[str, ...] = ()
    heard: Literal["all", "state", "nothing"] = "all"
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    new: Manuscript
    current: StoredArticle
    before: Manuscript
    base: Hashes | None
    edited: frozenset[str]
    overwrite: bool
    tags: equality.TagIds
    now: int

    def says(self, name: str) -> bool:
        """Whether the source says anything of the field."""
        if self.new.said is not None and name not in self.new.said:
            return False
        if name == "title" and self.new.title_derived and self.new.said is not None:
            return False
        if name not in _NEEDED:
            return True
        return self.hashes[name] not in (EMPTY, UNSAID) if self.new.hashes else bool(getattr(self.new, name))

    def has_changed(self, name: str) -> bool:
        """Whether the source has changed the field since it was heard last; True where that is not known."""
        if not self.new.hashes or self.base is None or self.base[name] == UNSAID:
            return True
        return self.hashes[name] != self.base[name]

    @property
    def hashes(self) -> Hashes:
        return unpack(self.new.hashes)

    def is_first_word(self, name: str) -> bool:
        """Whether the source has never said anything of the field, and does not now."""
        never = self.base is None or self.base[name] == UNSAID
        return never and bool(self.new.hashes) and self.hashes[name] == EMPTY

    @property
    def republishes(self) -> bool:
        """Whether the source would publish what somebody has taken back to draft."""
        return self.new.status in PUBLISHING and is_taken_back(self.current, self.edited)

    @property
    def state(self) -> str:
        """What the source has the item for. A line that names neither a state nor a text is a part of an article, whose
        state is the one that its source named last."""
        said = self.new.said
        if self.new.status is None and said is not None and not {"status", "body"} & {*said}:
            return _HIDDEN.get(self.base["status"], "published") if self.base is not None else "published"
        return self.new.status or "published"

    def find_public_there(self) -> int:
        """From when on everybody may read it at its source."""
        row, at = self.current.existing_row, self.new.published_at if self.says("published_at") else None
        if self.state == row.status == "published" and at == row.published_at:
            return 0  # as here, whatever the date says
        return find_opening(self.state, at)

    def find_public_here(self, taken: Collection[str]) -> int:
        """From when on everybody may read the article with these fields of its source."""
        row = self.current.existing_row
        status = self.new.status if "status" in taken else row.status
        if status == row.status == "published":
            return 0  # whatever its date says
        return find_opening(status, self.new.published_at if "published_at" in taken else row.published_at)

    def differs(self, name: str) -> bool:
        return not equality.is_same(name, self.new, self.before, self.current, self.tags)


def is_taken_back(current: StoredArticle, edited: Collection[str]) -> bool:
    """Whether somebody here has made a draft of what was public."""
    existing = current.existing_row
    return existing.status in ("draft", "scheduled") and existing.public_once and "status" in edited


def trim(new: Manuscript) -> Manuscript:
    """Without suggestions where the text is not there that they would be of."""
    partial = new.said is not None and "body" not in new.said
    return replace(new, suggestions=None, text_keys=None) if partial else new


def find_opening(status: str | None, at: int | None) -> int:
    """From when on everybody may read what has this state and this date of publication."""
    if status == "published":
        return at or 0
    return at if status == "scheduled" and at is not None else NEVER


def describe_states(source_state: str, own_state: str) -> str:
    """The note on an article that is, or will be, public before its source is."""
    own_word = "public" if own_state == "published" else own_state
    return _AHEAD.format(_WORDS.get(source_state, "scheduled"), own_word)


def is_settled(new: Manuscript, old: ExistingRow, now: int) -> bool:
    """Whether a source that says the same as last time needs no second look: nothing here contradicts its state."""
    is_ahead = old.status in PUBLISHING and find_opening(new.status or "published", new.published_at) > now
    return not (_is_left_alone(new, old) or is_ahead or is_undone(old))


def merge(
    session: Session,
    pairs: Sequence[tuple[Manuscript, ExistingRow]],
    known: Mapping[int, Mapping[str, Hashes]],
    *,
    overwrite: bool,
    now: int,
) -> list[Merged]:
    """What is to become of each article; `known` are the hashes of what sources said last, by article and format."""
    connection = session.connection()
    current = stored_article.load(connection, [old.id for _, old in pairs])
    rows = [current[old.id] for _, old in pairs]
    before = stored_article.make_manuscripts(connection, rows)
    edited = authorship.find_edited_fields(connection, rows)
    tags = equality.tag_ids(session, [*(new for new, _ in pairs), *before])
    cases = (
        _Case(
            _read_embargo(new, old, now),
            row,
            was,
            known.get(old.id, {}).get(new.format),
            edited[old.id],
            overwrite or is_undone(old),
            tags,
            now,
        )
        for (new, old), row, was in zip(pairs, rows, before, strict=True)
    )
    return [_merge(session, case) for case in cases]


def _read_embargo(new: Manuscript, old: ExistingRow, now: int) -> Manuscript:
    """What a source calls published with a date that is to come waits for that date, as a new article would; but for
    the date that its article here is published with, which only a clock that was put back says is to come."""
    at = new.published_at
    is_known = old.status == "published" and at == old.published_at
    is_embargoed = new.status == "published" and at is not None and at > now and not is_known
    return replace(new, status="scheduled") if is_embargoed else new


def _merge(session: Session, case: _Case) -> Merged:
    status = case.current.existing_row.status
    if _is_left_alone(case.new, case.current.existing_row):
        return Merged(None, (LEFT_ALONE[status],), heard="nothing", is_kept=True)
    if status == "trashed" and not is_undone(case.current.existing_row):
        return Merged(None)
    taken, refused = [], []
    notes: tuple[str, ...] = ()
    stays_public = "status" not in case.edited and not case.overwrite and _is_draft(case)
    for name in FIELDS:
        if not case.says(name) or not (case.overwrite or case.has_changed(name)) or not case.differs(name):
            continue
        if name == "status" and stays_public:
            continue
        if name not in case.edited or (case.overwrite and not (name == "status" and case.republishes)):
            taken.append(name)
        elif name == "status" and case.republishes:
            notes = (TAKEN_BACK,)
        elif not case.is_first_word(name):
            refused.append(name)
    if is_undone(case.current.existing_row) and "status" not in taken and case.new.status != status:
        case = replace(case, new=replace(case.new, status=case.new.status or case.state))
        taken.append("status")
    if "addresses" in taken and not slugs.find_additions(session.connection(), case.current.existing_row.id, case.new):
        taken.remove("addresses")
    is_ahead = max(case.find_public_here(taken), case.now) < case.find_public_there()
    if is_ahead and (taken or "status" not in case.edited):  # else an editor knows why it is public
        notes = (describe_states(case.state, status),)
    held, taken = (taken, []) if is_ahead else ([], taken)
    taken += [name for name in _SUGGESTED if name not in taken and _is_suggested(case, name, taken)]
    if _is_released(case):
        notes = (*notes, RELEASED)
    if held:
        notes = (*notes, HELD.format(", ".join(held)))
    if refused:
        notes = (*notes, EDITED.format(", ".join(refused)))
    return Merged(_combine(case, taken) if taken else None, notes, "state" if held else "all", is_kept=is_ahead)


def keep_state(packed: str) -> str:
    """Of packed hashes that of the state alone."""
    return pack({"status": unpack(packed)["status"]}) if packed else packed


def _is_released(case: _Case) -> bool:
    """Whether the source has taken its marker of a draft away; that it says nothing of a state publishes nothing."""
    is_silent = not case.new.said and bool(case.new.hashes) and case.hashes["status"] == EMPTY
    was_told = case.base is not None and case.base["status"] not in (EMPTY, UNSAID)
    return is_silent and was_told and case.current.existing_row.status == "draft" and "status" not in case.edited


def _is_suggested(case: _Case, name: str, taken: Sequence[str]) -> bool:
    """Whether enrichment finds something else in the new text, of what nobody has decided here."""
    if "body" not in taken or name in case.edited or not case.new.suggestions or not case.differs(name):
        return False
    if name == "language":
        return case.hashes.get(name) == EMPTY and any(one.kind == name for one in case.new.suggestions)
    return case.says(name)


def is_undone(old: ExistingRow) -> bool:
    """Whether nobody but an undo has withdrawn or binned the article: a source that brings it again revives it."""
    return old.saved_by == authorship.UNDO


def _is_left_alone(new: Manuscript, old: ExistingRow) -> bool:
    """Whether the source would bring back what somebody has withdrawn or binned."""
    return old.status in LEFT_ALONE and new.status != old.status and not is_undone(old)


def _is_draft(case: _Case) -> bool:
    """Whether the source does not have published what is public here; what is due there is."""
    is_hidden = case.new.status in ("draft", "scheduled", "trashed") and case.find_public_there() > case.now
    return case.current.existing_row.status == "published" and is_hidden


def _combine(case: _Case, taken: Sequence[str]) -> Manuscript:
    """The article with the fields that follow the source, as an editor would have changed them."""
    new, before = case.new, case.before
    changes: dict[str, Any] = {}
    for name in (name for name in taken if name not in equality.PARTS):
        changes |= {attribute: getattr(new, attribute) for attribute in ATTRIBUTES.get(name, (name,))}
    if "authors" in taken:
        changes["authors"] = equality.part(new, "authors")
    if "tags" in taken or "sections" in taken:
        # Sections first: an article's section is the first of them.
        parts = (equality.part(new if name in taken else before, name) for name in ("sections", "tags"))
        changes["tags"] = [one for some in parts for one in some]
    if "regions" in taken:
        changes["regions"] = _own_regions(new)
    if "extra" in taken and new.said is not None:
        changes["extra"] = equality.merged_json(before.extra, new.extra)
    made = editing.revise(replace(before, related=None, slug=None, status=None), changes)
    has_its_text = case.says("body") and ("body" in taken or not case.differs("body"))
    return replace(
        made,
        original=new.original if new.said is None or "original" in new.said else None,
        updated_at=new.updated_at,
        external_id=new.external_id or before.external_id,
        content_hash=new.content_hash,
        suggestions=new.suggestions if has_its_text else None,
        text_keys=new.text_keys if has_its_text else None,
        said=new.said,
    )


def _own_regions(new: Manuscript) -> list[tuple[int, int]]:
    """Without the role of the dateline's region, which follows from the dateline."""
    own = new.dateline.region if new.dateline else None
    rows = [(region, roles & ~DATELINE if region == own else roles) for region, roles in new.regions]
    return [(region, roles) for region, roles in rows if roles]
