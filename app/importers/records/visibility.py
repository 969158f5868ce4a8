"""What a source says of who may read an item: the one place that knows markers of drafts, embargoes and ends, under the
names and with the values that systems give them.

An item without a marker is public. One that has a marker is a draft unless the marker surely says otherwise, so that a
marker that cannot be read makes a draft as well. Never decides what becomes of an article that is here already.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from app.importers import dates
from app.importers.document import Document, ParseContext, SourceDate
from app.importers.records import aliases, values
from app.importers.records.visibility_names import (
    ACCESS,
    BUILDS,
    CLEARED,
    DRAFTS,
    EMBARGOES,
    ENDS,
    HINTS,
    LIVE,
    NOTICES,
    PUBLIC,
    PUBLIC_WORDS,
    PUBLICATIONS,
    PUBLISHED,
    READERS,
    RETRACTED,
    SCHEDULED_WORDS,
    STAMPS,
    STATUS,
    STEPS,
    SWITCHES,
    TYPO3,
    TYPO3_TIMES,
    UNLISTED_WORDS,
    WITHDRAWN_WORDS,
    State,
    is_held_notice,
    is_place,
)

_TABLES = (
    DRAFTS, HINTS, CLEARED, RETRACTED, PUBLIC, SWITCHES, LIVE, STATUS, STEPS, READERS, ACCESS, EMBARGOES, ENDS, BUILDS,
    NOTICES,
)  # fmt: skip
_OTHERS = PUBLICATIONS | STAMPS | TYPO3_TIMES | {"id", "revision"}
"""Fields of their own that are markers as well, or in some records."""
_NOTHING: tuple[object, ...] = ("", [], {}, "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00")
"""What is written where there is nothing; databases write such dates."""
_TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "1", "y", "t", "checked", "✓", "✔", "☑"), True),
    **dict.fromkeys(("false", "no", "off", "0", "n", "f", "none", "null", "never", "unchecked", "☐"), False),
}


@dataclass(frozen=True, slots=True)
class Visibility:
    """What markers say. `status` is None where there is none. `at`: when what is scheduled becomes public. `rank`
    orders several: the higher one counts. `note` is for people."""

    status: State | None = None
    at: SourceDate | None = None
    rank: int = 0
    note: str | None = None


KEPT = "kept as a draft"
"""How every note ends that says why an item is a draft."""
_NOT_PUBLIC = f": not public at its source, {KEPT}"
_UNTIL_THEN = "scheduled until then"
SILENT = Visibility()
_NOT_LIVE, _PUBLISHED, _AT_A_DATE, _NOT_YET, _SCHEDULED, _DRAFT, _WITHDRAWN = 1, 2, 3, 4, 5, 6, 7
"""`published: false` gives way to a status that says scheduled, not to a mere date. Nothing makes a draft public."""
_IS_PUBLIC = Visibility("published", rank=_PUBLISHED)


def read_record(record: Mapping[str, object], context: ParseContext) -> tuple[Visibility, tuple[str, ...]]:
    """What the markers of a record say, and the notes; names are compared as `aliases.fold_name` does."""
    markers = [_read_marker(name, value, record, context) for name, value in record.items() if _may_be_marker(name)]
    return choose_strongest(markers) if markers else (SILENT, ())


def choose_strongest(markers: Iterable[Visibility]) -> tuple[Visibility, tuple[str, ...]]:
    """The one that counts, with the latest date of those that wait for one; the notes of all."""
    all_markers = list(markers)
    # Of equals the first: markers come in the order of the record.
    best = max(all_markers, key=lambda one: one.rank, default=SILENT)
    notes = tuple(
        dict.fromkeys(one.note for one in all_markers if one.note and (best.status != "published" or not one.rank))
    )
    if best.status == "scheduled":
        dated = [one.at for one in all_markers if one.at is not None]
        best = replace(best, at=max(dated, key=lambda at: at.instant, default=None))
    return best, notes


def apply(document: Document, marker: Visibility) -> Document:
    """The document as one more marker has it, unless what it says already is stronger."""
    current = read_word("status", document.status)
    if marker.rank <= current.rank:
        return document
    notes = (*document.notes, marker.note) if marker.note else document.notes
    return replace(document, status=marker.status, notes=tuple(dict.fromkeys(notes)))


def read_path(path: str) -> Visibility:
    """What folders and names of files say: `_drafts/` of Jekyll and Hexo, `draft_….html` of Medium."""
    parts = path.replace("\\", "/").lower().split("/")
    if "_drafts" in parts[:-1]:
        return make_draft("it lies in _drafts")
    if parts[-1].startswith("draft_") and ".htm" in parts[-1]:
        return make_draft("its file is called draft_…")
    return SILENT


def read_page(status: str | None, expires: str | None, context: ParseContext) -> Visibility:
    """What a web page says of itself. That it calls itself published says no more than that it could be fetched."""
    status_marker = read_word("creativeWorkStatus", status)
    strongest_marker, notes = choose_strongest(
        [SILENT if status_marker.status == "published" else status_marker, _read_end("expires", expires, context)]
    )
    return replace(strongest_marker, note=notes[0] if notes else None)


def read_word(name: str, value: object) -> Visibility:
    """A status in words; None says nothing, and a word that nobody knows is a draft."""
    if value is None or value == "":
        return SILENT
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("slug", "value", "name", "label") if value.get(key) is not None), "?")
    word = _fold(value)
    if word in PUBLIC_WORDS or _TRUTHS.get(word):
        return _IS_PUBLIC
    if word in SCHEDULED_WORDS:
        return Visibility("scheduled", rank=_SCHEDULED)
    if word in WITHDRAWN_WORDS:
        return Visibility("withdrawn", rank=_WITHDRAWN)
    if word in UNLISTED_WORDS or word in _TRUTHS:
        return make_draft(f"{name}: {values.quote(value)}")
    known_words = "draft, scheduled, published, withdrawn"
    return Visibility(
        "draft", rank=_DRAFT, note=f"{name} {values.quote(value)} is none of {known_words}: kept as a draft"
    )


def is_marker(name: str) -> bool:
    """Whether a field of this name is understood here: it is no unknown field."""
    folded = aliases.fold_name(name)
    return any(folded in table for table in _TABLES) or (folded in ("state", "sys", "permalink", "render"))


def _is_publication(name: str) -> bool:
    field = aliases.find_field(name)
    return field is not None and field[0] == "published"


def is_stamp(name: str) -> bool:
    """Whether a field of this name says when a system has published the item."""
    return aliases.fold_name(name) in STAMPS


@lru_cache(maxsize=4096)
def _may_be_marker(name: str) -> bool:
    """Most fields are none, and each item of a file has the same ones."""
    return is_marker(name) or aliases.fold_name(name) in _OTHERS


def is_boolean(value: object) -> bool:
    """Whether it is a boolean, however written. A boolean is never a date."""
    return isinstance(value, bool) or (isinstance(value, str | int) and _fold(value) in _TRUTHS)


def is_known_value(value: str, context: ParseContext) -> bool:
    """Whether it is a boolean, a word for a state or a date: what else a marker could say is not known surely."""
    word = _fold(value)
    is_word = word in PUBLIC_WORDS | SCHEDULED_WORDS | WITHDRAWN_WORDS | UNLISTED_WORDS
    return is_word or word in _TRUTHS or _read_date(value, context) is not None


def _read_marker(name: str, value: object, record: Mapping[str, object], context: ParseContext) -> Visibility:
    folded = aliases.fold_name(name)
    if folded in DRAFTS:
        return _read_flag(name, value, hides=True)
    if folded in HINTS:
        return make_draft(f"{name}: {values.quote(value)}") if _read_boolean(value) else SILENT
    if folded in CLEARED:
        return SILENT if _is_nothing(value) or _read_boolean(value) is False else make_draft(f"{name} is set")
    if folded in RETRACTED:
        return _read_retraction(name, value, context)
    if folded in STAMPS and value is None:
        return _read_missing_stamp(name, record)
    if folded in PUBLIC:
        return _read_public(name, folded, value)
    if folded in SWITCHES:
        return make_draft(f"{name}: {values.quote(value)}") if _read_boolean(value) is False else SILENT
    if folded in LIVE:
        return make_draft(f"{name}: {values.quote(value)}", _NOT_LIVE) if _read_boolean(value) is False else SILENT
    if folded in STATUS:
        return read_word(name, value)
    if folded in STEPS:
        return _read_step(name, value)
    if folded in READERS or (folded in ACCESS and _fold(value) in UNLISTED_WORDS):
        marker = read_word(name, value)
        return SILENT if marker.status == "published" else marker
    if folded == "state":
        return SILENT if is_place(value, map(aliases.fold_name, record)) else read_word(name, value)
    if folded in NOTICES:
        is_held = any(isinstance(one, str) and is_held_notice(one) for one in values.list_items(value))
        return make_draft(f"{name}: {values.quote(value)}") if is_held else SILENT
    if folded in EMBARGOES or folded in PUBLICATIONS:
        return _read_embargo(name, value, context, strict=folded in EMBARGOES)
    if folded in ENDS:
        return _read_end(name, value, context)
    if folded in TYPO3_TIMES:
        if TYPO3.isdisjoint(map(aliases.fold_name, record)):
            return SILENT
        is_end = folded == "endtime"
        return _read_end(name, value, context) if is_end else _read_embargo(name, value, context, strict=True)
    return _read_structured(name, folded, value)


def _read_structured(name: str, folded: str, value: object) -> Visibility:
    """Markers that are objects, or that only one system has."""
    fields = values.read_mapping(value)
    if folded in BUILDS and fields is not None:
        hidden = [
            f"{name}.{key}: {values.quote(fields[key])}" for key in ("render", "list") if _is_never(fields.get(key))
        ]
        return make_draft(hidden[0]) if hidden else SILENT
    if folded in ("permalink", "render") and _read_boolean(value) is False:
        return make_draft(f"{name}: false")
    if folded == "id" and isinstance(value, str) and value.startswith("drafts."):
        return make_draft(f"{name}: {values.quote(value)}")
    if name == "_id" and isinstance(value, str) and value.startswith("versions."):  # of a release that is to come
        return make_draft(f"{name}: {values.quote(value)}")
    if folded == "revision" and fields is not None and fields.get("published") is False:
        return make_draft(f"{name}.published: False")
    if folded == "sys" and fields is not None:
        return _read_contentful(fields)
    return SILENT


def _is_never(value: object) -> bool:
    """Hugo's `render` and `list`: `never`, `false`, and `link` and `local`, which make no page of an item's own."""
    return value is not None and (_read_boolean(value) is False or _fold(value) in ("link", "local"))


def _read_contentful(fields: Mapping[str, object]) -> Visibility:
    """What Contentful's management API says of an entry: one that was never published has no version that was. Its
    delivery API, whose entries have a `revision` instead, gives published ones only."""
    if fields.get("archivedVersion") or fields.get("archivedAt"):
        return make_draft("sys.archivedAt is set")
    entry = fields.get("type") == "Entry" or "contentType" in fields
    unpublished = "version" in fields and not (fields.get("publishedVersion") or fields.get("publishedAt"))
    return make_draft("sys has no publishedVersion") if entry and unpublished else SILENT


def _is_nothing(value: object) -> bool:
    return value is None or value in _NOTHING


def _read_retraction(name: str, value: object, context: ParseContext) -> Visibility:
    """True, a date, or an object that says when and why; anything else may be one."""
    truth = _read_boolean(value)
    if _is_nothing(value) or truth is False:
        return SILENT
    is_one = truth or values.read_mapping(value) is not None or _read_date(value, context) is not None
    return Visibility("withdrawn", rank=_WITHDRAWN) if is_one else _make_unreadable(name, value)


def _read_missing_stamp(name: str, record: Mapping[str, object]) -> Visibility:
    """Not published yet, unless another stamp says when it was, or, but for `publishedAt`, any other date of
    publication. `published_at` is what an archive calls the date as well, which a published article may lack: there a
    status that says published is right."""
    is_stamped = any(
        not _is_nothing(value) and (is_stamp(other) or (name != "publishedAt" and _is_publication(other)))
        for other, value in record.items()
    )
    return SILENT if is_stamped else make_draft(f"{name}: null", _NOT_LIVE if name == "published_at" else _NOT_YET)


def _read_step(name: str, value: object) -> Visibility:
    """How far work on it has come. That a stage is called live publishes nothing, for it may be one of a festival."""
    fields = values.read_mapping(value)
    if fields is not None:
        value = next((fields[key] for key in ("status", "state", "stage", "name", "slug") if fields.get(key)), None)
    if not isinstance(value, str):
        return SILENT
    marker, word = read_word(name, value), _fold(value)
    is_known = word in SCHEDULED_WORDS | WITHDRAWN_WORDS | UNLISTED_WORDS
    if marker.status == "published":
        return marker if word in ("published", "publish") else SILENT
    return marker if is_known else SILENT


def _read_flag(name: str, value: object, *, hides: bool) -> Visibility:
    if _is_nothing(value):
        return SILENT
    truth = _read_boolean(value)
    if truth is None:
        return _make_unreadable(name, value)
    # That nothing hides it does not publish it: an editor here may have taken it back.
    return make_draft(f"{name}: {values.quote(value)}") if truth is hides else SILENT


def _read_public(name: str, folded: str, value: object) -> Visibility:
    """`published: no`. Under some of these names others give the date of publication."""
    if folded in PUBLISHED and _read_boolean(value) is None and _may_be_date(value):
        return SILENT
    marker = _read_flag(name, value, hides=False)
    return replace(marker, rank=_NOT_YET) if marker.status == "draft" else marker


def _may_be_date(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and any(sign.isdigit() for sign in value))


def _read_embargo(name: str, value: object, context: ParseContext, *, strict: bool) -> Visibility:
    """Scheduled until a date that is to come. `strict`: what is no date is an embargo whose end nobody knows."""
    if _is_nothing(value) or (is_boolean(value) and not (strict and _read_boolean(value))):
        return SILENT
    at = _read_date(value, context)
    if at is None:
        return _make_unreadable(name, value) if strict else SILENT
    if at.instant <= context.now:
        return SILENT
    return Visibility("scheduled", at, _AT_A_DATE, f"{name} in the future: {_UNTIL_THEN}")


def _read_end(name: str, value: object, context: ParseContext) -> Visibility:
    if _is_nothing(value) or _read_boolean(value) is False:
        return SILENT
    if _read_boolean(value):
        return make_draft(f"{name}: {values.quote(value)}")
    at = _read_date(value, context)
    if at is None:
        return _make_unreadable(name, value)
    if find_last_second(at) < context.now:
        return make_draft(f"{name} in the past")  # the date stays beside the article: one note for all of a blog
    return Visibility(note=f"{name}: {values.quote(value)} ends it at its source; here it stays")


def find_last_second(at: SourceDate) -> int:
    """The last second of the period that a date names."""
    start = datetime.fromtimestamp(at.instant, UTC)
    if at.precision == "year":
        return int(start.replace(year=start.year + 1).timestamp()) - 1
    if at.precision == "month":
        return int(start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1).timestamp()) - 1
    return at.instant + (86_399 if at.precision == "day" else 0)


def _read_date(value: object, context: ParseContext) -> SourceDate | None:
    try:
        return dates.parse_date(value, context.timezone, context.locale).round_up()
    except ValueError:
        return None


def make_draft(said: str, rank: int = _DRAFT, *, is_public: bool = False) -> Visibility:
    """A marker that makes a draft, with a note that says why; `is_public`: it may be public at its source."""
    return Visibility("draft", rank=rank, note=f"{said}: {KEPT}" if is_public else f"{said}{_NOT_PUBLIC}")


def is_of_state(note: str) -> bool:
    """Whether a note says what an item becomes here, which an article that keeps a state of its own does not."""
    return note.endswith((KEPT, _UNTIL_THEN))


def cut_ending(note: str) -> str:
    """What such a note says of the item, without what becomes of it."""
    return note.removesuffix(_NOT_PUBLIC).removesuffix(KEPT).removesuffix(_UNTIL_THEN).rstrip(": ")


def count_drafts(notes: Mapping[str, Sequence[object]]) -> list[tuple[str, int]]:
    """What made drafts of how many items, out of the notes of an import and the places of each; the most first."""
    draft_counts = [(cut_ending(note), len(places)) for note, places in notes.items() if note.endswith(KEPT)]
    return sorted(draft_counts, key=lambda one: -one[1])


def _make_unreadable(name: str, value: object) -> Visibility:
    note = f"{name}: {values.quote(value)} does not say surely that it is public: kept as a draft"
    return Visibility("draft", rank=_DRAFT, note=note)


def _read_boolean(value: object) -> bool | None:
    """None where it is neither true nor false, however written."""
    return _TRUTHS.get(_fold(value)) if isinstance(value, bool | str | int | float) else None


def _fold(value: object) -> str:
    return " ".join(str(value).lower().replace("-", " ").replace("_", " ").split())
