"""From what a client asks for to a bulk edit that can be carried out: a filter of ids, changes with ids, warnings."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.articles.bulk import edit_job
from app.articles.bulk.edit_job import Changes
from app.articles.bulk.payloads import BulkEdit
from app.articles.filters import PUBLISHED, ArticleFilter
from app.articles.input import fields, filter_payload
from app.articles.input.payloads import ArticleFields, RegionRef, TagIn, TagRef
from app.articles.reading import filter_params
from app.articles.reading.filter_params import FilterParams, StatusParams
from app.articles.routes import update_flow
from app.changes.jobs import Json
from app.context import AppContext, RequestContext
from app.enrich.suggestion import DATELINE
from app.errors import FieldError, InvalidInput
from app.tags import queries as tags
from app.tags.service import KINDS

MOST_MISSING = 100


class SelectionParams(FilterParams, StatusParams):
    """Which articles an edit changes: the names in `filter`."""


@dataclass(frozen=True, slots=True)
class EditOrder:
    """A bulk edit that its caller may make; `options` is what was asked for, for people; `missing` are articles that
    were named and are not there for this caller, at most MOST_MISSING."""

    filter: ArticleFilter
    changes: Changes
    options: Json
    warnings: Sequence[Mapping[str, str | None]]
    missing: Sequence[int | str] = ()


@dataclass(frozen=True, slots=True)
class ArticleSelection:
    """Which articles are meant; `named` are those that were named one by one, by the column that they were named by."""

    filter: ArticleFilter
    warnings: Sequence[Mapping[str, str | None]]
    named: Mapping[str, edit_job.Names]


async def read(context: AppContext, view: RequestContext, payload: BulkEdit) -> EditOrder:
    """InvalidInput with pointers; MissingScope for states that the caller may not see, and without `publish` for what
    is or becomes public."""
    view.caller.require_scope("write")
    selection = await _selection(context, view, payload)
    article_filter = selection.filter
    if article_filter.statuses != ("draft",):
        update_flow.require_publish(view.caller, "published")
    update_flow.require_publish(view.caller, payload.status)
    options = payload.model_dump(exclude_defaults=True, exclude_unset=True, mode="json")
    if payload.ids is not None:
        options["ids"] = len(payload.ids)  # the record has a row for each
    changes = await _changes(context, view, payload)
    missing = await asyncio.to_thread(_find_missing, context, selection)
    warnings = [*selection.warnings, *_warn_of_missing(selection, missing, "filter" if payload.ids is None else "ids")]
    return EditOrder(article_filter, changes, options, warnings, missing[:MOST_MISSING])


def _find_missing(context: AppContext, selection: ArticleSelection) -> list[int | str]:
    with context.db.snapshot() as snapshot:
        return [
            name
            for column, names in selection.named.items()
            if names
            for name in edit_job.find_missing(snapshot, selection.filter, column, names)
        ]


def _warn_of_missing(
    selection: ArticleSelection, missing: Sequence[int | str], parameter: str
) -> list[Mapping[str, str | None]]:
    """What is edited is fewer than were named: one that the caller may not see is not told apart from one that there is
    none of."""
    if not missing:
        return []
    named = sum(map(len, selection.named.values()))
    detail = f"{len(missing)} of {named} articles that were named are not there, not visible or left out by the rest."
    return [{"code": "unknown_article", "parameter": parameter, "detail": detail}]


async def _selection(context: AppContext, view: RequestContext, payload: BulkEdit) -> ArticleSelection:
    if payload.ids is not None:
        hidden, ids = view.caller.has_scope("read_drafts"), tuple(dict.fromkeys(payload.ids))
        return ArticleSelection(
            ArticleFilter(statuses=filter_params.STATES if hidden else PUBLISHED, ids=ids), (), {"id": ids}
        )
    with filter_payload.point_into_body():
        params = SelectionParams.parse(filter_payload.encode_query(payload.filter or {}), view.now)
        resolved = await filter_params.resolve(context, view, params, params.check_statuses(view.caller))
    named = {name: tuple(dict.fromkeys(getattr(params, name))) for name in ("id", "slug", "external_id")}
    return ArticleSelection(resolved.filter, resolved.warnings, named)


async def _changes(context: AppContext, view: RequestContext, payload: BulkEdit) -> Changes:
    drafts = view.caller.has_scope("read_drafts")
    section = [payload.section] if payload.section is not None else []
    named = [ref for one in (*payload.add_tags, *payload.remove_tags, *section) if (ref := fields.tag_ref(one))]
    known = fields.References({}, await tags.by_refs(context.db, sorted(set(named)), hidden=drafts) if named else {})
    made = _read_fields(view, known, "tags", payload.add_tags, "add_tags")
    return Changes(
        add_tags=tuple((one.name, one.kind, one.slug) for one in made),
        remove_tags=tuple(
            [
                await _resolve_removed_tag(context, known, ref, i, drafts=drafts)
                for i, ref in enumerate(payload.remove_tags)
            ]
        ),
        add_regions=_check_added(_regions(view, payload.add_regions, "add_regions")),
        remove_regions=tuple(id for id, _ in _regions(view, payload.remove_regions, "remove_regions")),
        section=_section(view, payload, known),
        status=payload.status,
        language=payload.language.lower().replace("_", "-") if payload.language else None,
    )


def _regions(view: RequestContext, refs: list[RegionRef], name: str) -> tuple[tuple[int, int], ...]:
    links: tuple[tuple[int, int], ...] = _read_fields(view, fields.References({}, {}), "regions", refs, name)
    return links


def _check_added(regions: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """InvalidInput for the role that follows from an article's dateline: nothing else gives or takes it."""
    for place, (_, roles) in enumerate(regions):
        if roles & DATELINE:
            detail = "The region of a dateline follows from the dateline: add about or mention."
            raise InvalidInput(FieldError("invalid_value", detail, pointer=f"/add_regions/{place}/roles"))
    return regions


def _read_fields(
    view: RequestContext, known: fields.References, field: str, values: Sequence[object], name: str
) -> Any:
    """Tags or regions, read as an article's are; InvalidInput points to `name`, under which they were sent."""
    try:
        return fields.read_changes(ArticleFields.model_validate({field: values}), [field], view.atlas, known)[field]
    except InvalidInput as error:
        moved = (replace(one, pointer=(one.pointer or "").replace(f"/{field}", f"/{name}", 1)) for one in error.errors)
        raise InvalidInput(*moved) from None


async def _resolve_removed_tag(
    context: AppContext, known: fields.References, tag_ref: TagRef, place: int, *, drafts: bool
) -> int:
    """A slip of the pen must not look like work done: what is not there cannot be removed."""
    ref = fields.tag_ref(tag_ref)
    tag = known.tags.get(ref) if ref else None
    if ref is None and isinstance(tag_ref, TagIn):
        detail = "Name a tag that is removed by its slug or its id."
        raise InvalidInput(FieldError("invalid_value", detail, pointer=f"/remove_tags/{place}"))
    if tag is None:
        said = ref or str(tag_ref)
        guess = await tags.find_similar(context.db, said, KINDS, hidden=drafts)
        detail = f"There is no tag {said[:80]!r}."
        raise InvalidInput(
            FieldError("invalid_value", detail, pointer=f"/remove_tags/{place}", did_you_mean=guess or None)
        )
    if tag.kind == "contributor":
        detail = f"{tag.slug!r} is an author, and none of an article's tags."
        raise InvalidInput(FieldError("invalid_value", detail, pointer=f"/remove_tags/{place}"))
    return tag.id


def _section(
    view: RequestContext, payload: BulkEdit, known: fields.References
) -> tuple[tuple[str, str, str | None], ...] | None:
    if "section" not in payload.model_fields_set:
        return None
    if payload.section is None:
        return ()
    ref = fields.tag_ref(payload.section)
    tag = known.tags.get(ref) if ref else None
    if tag is not None and tag.kind == "section":
        return ((tag.name, "section", tag.slug),)
    if isinstance(payload.section, TagIn) and payload.section.kind not in (None, "section"):
        detail = f"A section is of the kind section, and not {payload.section.kind}."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/section/kind"))
    name = payload.section.name or payload.section.slug if isinstance(payload.section, TagIn) else payload.section
    if not isinstance(name, str) or not name:
        detail = f"There is no section {ref}." if ref else "It needs a slug, an id or a name."
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/section"))
    return ((name, "section", None),)
