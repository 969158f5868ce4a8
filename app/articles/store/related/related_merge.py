"""What becomes of an article's related entries when they are given again. Pure.

As they are kept, `title` and `url` are the editors' own words, never taken from the article meant; `target` is that
article, published or not, None while it is waited for. An entry that stands as it was keeps the article that it has
found, and an editor's word that it is no link.
"""

from collections.abc import Mapping, Sequence

from app.articles.manuscript import RelatedEntry


def find_changes(
    entries: Mapping[int, Sequence[RelatedEntry]],
    stored: Mapping[int, Sequence[RelatedEntry]],
    titles: Mapping[int, str],
) -> dict[int, list[RelatedEntry]]:
    """Of articles whose entries are given again, what is kept of them, where that is not what was."""
    merged = {id: merge_entries(listed, stored.get(id, ()), titles, id) for id, listed in entries.items()}
    return {id: new for id, new in merged.items() if new != stored.get(id, [])}


def merge_entries(
    entries: Sequence[RelatedEntry], old: Sequence[RelatedEntry], titles: Mapping[int, str], article: int
) -> list[RelatedEntry]:
    """The entries of `article` from what is given and what was kept. `titles` are those of the articles that either
    means; one that is not in it does not exist any more. Settling what is settled changes nothing."""
    settled = [_merge_entry(entry, old, titles, article) for entry in entries]
    return [one for one in settled if one.title or one.url or one.target is not None]


def _merge_entry(
    entry: RelatedEntry, old: Sequence[RelatedEntry], titles: Mapping[int, str], article: int
) -> RelatedEntry:
    was = next((one for one in old if _is_same(entry, one, titles)), None)
    if entry.unlinked or (entry.unlinked is None and was is not None and was.unlinked):
        return RelatedEntry(entry.title, entry.url, None, unlinked=True)
    target = was.target if was is not None and entry.target is None else entry.target
    if target == article or target not in titles:
        target = None
    title = was.title if was is not None else entry.title
    # What reading shows in place of a title is not the editors': it must go when its article does.
    if was is None and target is not None and title == titles[target]:
        title = None
    return RelatedEntry(title, entry.url, target, unlinked=False)


def _is_same(entry: RelatedEntry, one: RelatedEntry, titles: Mapping[int, str]) -> bool:
    if entry.url != one.url or entry.target not in (None, one.target):
        return False
    shown = titles.get(one.target) if one.target is not None else None
    return entry.title == one.title or (one.title is None and shown is not None and entry.title == shown)
