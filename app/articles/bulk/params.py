"""What lists of imports and bulk edits, and of the articles that they touched, take in their query strings."""

from typing import Literal, get_args

from app.http.params import parser
from app.http.params.typed import Params

Kind = Literal["import", "bulk_edit"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Action = Literal["created", "updated", "unchanged", "failed"]
ACTIONS: tuple[Action, ...] = get_args(Action)
Undone = Literal["withdrawn", "trashed", "restored", "kept", "gone"]
UNDONE: tuple[Undone, ...] = get_args(Undone)


class RecordListParams(Params):
    """Of the list of records."""

    kind = parser.choice("kind", "Only imports, or only bulk edits.", KINDS)
    limit = parser.limit()
    cursor = parser.CURSOR


class TouchedParams(Params):
    """Of the articles that one of them touched."""

    action = parser.choice("action", "Only articles with which this was done.", ACTIONS)
    undone = parser.choice("undone", "Only articles with which an undo did this.", UNDONE)
    limit = parser.limit()
    cursor = parser.CURSOR


class BulkEditParams(Params):
    """Of a bulk edit."""

    dry_run = parser.flag("dry_run", "Count the articles and show some, and change nothing.")
