"""What a tag or region is called, and how that changes: one name, names by language, aliases. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

ANY = "und"
"""The language of names that are of none."""

Row = tuple[str, str, bool]
"""Language, name, and whether it is an alias: understood, never shown."""


@dataclass(frozen=True, slots=True)
class Naming:
    """`name` is what the archive says; `names` by language; `aliases` with their languages."""

    name: str
    names: Mapping[str, str]
    aliases: tuple[tuple[str, str], ...] = ()


def read(name: str, rows: Iterable[Row]) -> Naming:
    """From the rows of a tag or region."""
    kept = list(rows)
    names = {language: called for language, called, alias in kept if not alias and language != ANY}
    return Naming(name, names, tuple((language, called) for language, called, alias in kept if alias))


def revise(
    old: Naming, name: str | None, names: Mapping[str, str | None] | None, aliases: Sequence[str] | None
) -> Naming:
    """With what is given. `names` is merged in, null takes a language's name away; `aliases` replace.

    Who is renamed keeps the old name as an alias, so that sources which still use it are understood, unless the aliases
    are given. An English name that was the name itself goes along with it.
    """
    called = name or old.name
    by_language = dict(old.names)
    if called != old.name and by_language.get("en") == old.name:
        by_language["en"] = called
    for language, value in (names or {}).items():
        if value is None:
            by_language.pop(language, None)
        else:
            by_language[language] = value
    new_aliases = [alias for _, alias in old.aliases] if aliases is None else list(aliases)
    if aliases is None and called != old.name:
        new_aliases.append(old.name)
    kept = [one for one in old.aliases if one[1] in new_aliases and (called == old.name or one[1] != called)]
    known = {alias for _, alias in old.aliases} | {called, *by_language.values()}
    added = [(ANY, alias) for alias in dict.fromkeys(new_aliases) if alias not in known]
    return Naming(called, by_language, (*kept, *added))


def rows(naming: Naming, owner: Mapping[str, int], key: Callable[[str], str]) -> list[dict[str, object]]:
    """Rows for the table of names. `owner` is the column that says whose they are, `key` what look-ups compare."""
    own = [] if naming.name in naming.names.values() else [(ANY, naming.name)]
    kept = [(language, name, False) for language, name in (*own, *naming.names.items())]
    kept += [(language, name, True) for language, name in naming.aliases]
    return [
        {**owner, "language": language, "name": name, "name_key": key(name), "alias": alias}
        for language, name, alias in kept
    ]
