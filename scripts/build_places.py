"""Writes app/enrich/places.json from the tables in region_facts: what places, people and institutions are called beside
the names of regions, and what tells namesakes and companies from them. Sorted, the same bytes for the same tables; run
from the project's root. Never reads the network; refuses to write what names a region that there is not."""

import json
import sys
import tomllib
from pathlib import Path

FACTS = Path(__file__).parent / "region_facts"
REGIONS, OUTPUT = Path("app/regions/regions.json"), Path("app/enrich/places.json")
BY_REGION = ("places", "institutions", "abbreviated", "exchanges", "larger")


def split(text: str) -> list[str]:
    """Names in their order, each once."""
    return list(dict.fromkeys(" ".join(name.split()) for name in text.split(",") if name.strip()))


def build(
    demonyms: dict[str, str],
    tables: dict[str, dict[str, str]],
    by_state: dict[str, dict[str, dict[str, str]]],
    slugs: set[str],
) -> dict[str, object]:
    """ValueError where a table names no region, or a list has no name in it. `by_state` has, by country and state,
    towns that are called like other ones, what lies near them, and what the post calls the state."""
    kinds = {"demonyms": demonyms} | {name: tables[name] for name in BY_REGION}
    formerly = {slug: split(text) for slug, text in tables["formerly"].items()}
    named = [
        *(slug for table in (kinds, by_state) for kind in table.values() for slug in kind),
        *formerly,
        *(s for ss in formerly.values() for s in ss),
    ]
    unknown = sorted({*named} - slugs)
    if unknown:
        raise ValueError(f"no such regions: {', '.join(unknown)}")
    lists = {name: {slug: split(text) for slug, text in kind.items()} for name, kind in kinds.items()}
    empty = [f"{name}.{slug}" for name, kind in lists.items() for slug, names in kind.items() if not names]
    if empty:
        raise ValueError(f"without a name: {', '.join(empty)}")
    words = {name: sorted(split(text)) for name, text in tables["words"].items()}
    states = {
        name: {slug: {state: split(text) for state, text in texts.items()} for slug, texts in kind.items()}
        for name, kind in by_state.items()
    }
    return {**lists, **words, **states, "formerly": formerly}


def main(output: Path) -> None:
    demonyms, places, namesakes, companies = (
        tomllib.loads((FACTS / f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("demonyms", "places", "namesakes", "companies")
    )
    tables = {**places, "exchanges": companies["exchanges"], "larger": namesakes.pop("larger")}
    tables["words"] = places["words"] | {
        "company_forms": companies["forms"]["words"],
        "papers": companies["titles"]["papers"],
        "treaties": companies["titles"]["treaties"],
        "others": companies["others"]["words"],
    }
    slugs = {row["slug"] for row in json.loads(REGIONS.read_text(encoding="utf-8"))}
    built = build(demonyms, tables, namesakes, slugs)
    output.write_text(json.dumps(built, ensure_ascii=False, sort_keys=True, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
