"""`dateline enrich`: looks anew at what enrichment has found for the articles that are here."""

from collections import Counter

from app.articles.repair import unset_languages
from app.commands import import_articles
from app.commands.output import err, out, print_json
from app.db.database import Database, DatabaseProblem
from app.enrich import language
from app.settings import Settings


def recognise_languages(db: Database, settings: Settings, *, dry_run: bool, json: bool) -> None:
    """Of all articles, a transaction for each AT_ONCE of them; interrupted, it is simply begun again."""
    if language.model() is None:
        raise DatabaseProblem(language.MISSING)
    counts: Counter[str] = Counter(read=0, unset=0, changed=0)
    moves: Counter[tuple[str, str]] = Counter()
    last: int | None = -1
    while last is not None:
        with db.snapshot() as snapshot:
            chunk = unset_languages.find(snapshot.connection, last)
        last = chunk.last
        counts.update(read=chunk.read, unset=chunk.unset)
        changed = {one.id for one in chunk.changes}
        if chunk.changes and not dry_run:
            changed = {*db.write_now(unset_languages.apply, chunk.changes, settings.site_url).value}
        counts["changed"] += len(changed)
        moves.update((one.old, one.new) for one in chunk.changes if one.id in changed)
        if not json:
            for one in chunk.changes if dry_run else ():
                err.print(f"{one.id}: {one.old} → {one.new}", markup=False)
    if counts["changed"] and not dry_run:
        import_articles.catch_up_index(db, settings)
    _print_counts(counts, moves, dry_run=dry_run, json=json)


def _print_counts(counts: Counter[str], moves: Counter[tuple[str, str]], *, dry_run: bool, json: bool) -> None:
    ordered = sorted(moves.items(), key=lambda pair: (-pair[1], pair[0]))
    if json:
        listed = [{"from": old, "to": new, "articles": number} for (old, new), number in ordered]
        print_json({**counts, "dry_run": dry_run, "languages": listed})
        return
    verb = "would get" if dry_run else "got"
    out.print(
        f"{counts['read']} articles, of {counts['unset']} of which nobody has set the language: {counts['changed']} "
        f"{verb} another one.",
        markup=False,
    )
    for (old, new), number in ordered:
        out.print(f"  {old} → {new}: {number}", markup=False)
