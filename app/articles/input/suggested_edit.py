"""From a suggestion that an editor has accepted or refused to what changes of the article. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.articles.manuscript import Decision, Manuscript
from app.enrich.suggestion import ABOUT, DATELINE, UNKNOWN_LANGUAGE, SuggestedValue
from app.tags.service import TagSpec


def find_changes(one: SuggestedValue, state: Decision, before: Manuscript, tag: TagSpec | None) -> Mapping[str, Any]:
    """Attributes of the manuscript with their new values, none where the article is so already. Accepted, it has the
    suggested language, tag or region; refused, it has that no more. `tag` is the suggested one. A near-duplicate
    changes nothing of its article."""
    if one.kind == "language":
        return _change_language(one, state, before)
    if one.kind == "region":
        return _change_regions(one, state, before)
    return {} if tag is None else _change_tags(tag, state, before)


def _change_language(one: SuggestedValue, state: Decision, before: Manuscript) -> Mapping[str, Any]:
    has_it = before.language == one.value
    if state == "accepted":
        return {} if has_it else {"language": one.value}
    return {"language": UNKNOWN_LANGUAGE} if has_it else {}


def _change_tags(tag: TagSpec, state: Decision, before: Manuscript) -> Mapping[str, Any]:
    is_author = tag.kind == "contributor"
    old = tuple(one for one in before.tags if (one.kind == "contributor") == is_author)
    new = (*(one for one in old if one != tag), *((tag,) if state == "accepted" else ()))
    if {*old} == {*new}:
        return {}
    return {"authors" if is_author else "tags": new}


def _change_regions(one: SuggestedValue, state: Decision, before: Manuscript) -> Mapping[str, Any]:
    """The region in the suggested roles, behind those that the article has; or without these roles."""
    old, target, roles = dict(before.regions), one.target or 0, one.roles or ABOUT
    kept = old.get(target, 0) | roles if state == "accepted" else old.get(target, 0) & ~roles
    if kept == old.get(target, 0):
        return {}
    rows = {**old, target: kept}
    changes: dict[str, Any] = {"regions": tuple((region, bits) for region, bits in rows.items() if bits)}
    dateline = before.dateline
    if state == "refused" and roles & DATELINE and dateline is not None and dateline.region == target:
        # An article has the region of its dateline in that role: what is printed stays, where it lies is open.
        changes["dateline"] = replace(dateline, region=None)
    return changes
