"""Whether what is written as ninjs and JSON-LD is valid: every article of an archive, against IPTC's schema and against
the classes, domains and ranges of schema.org.

`python -m bench.structured_data STORIES --ninjs SCHEMA --schema-org VOCABULARY` imports the samples and the first
stories of an NDJSON file. SCHEMA is `specification/ninjs-schema_3.1.json` of IPTC's repository `newsinjson`, VOCABULARY
is `schemaorg-current-https.jsonld` of schema.org's. Ends with status 1 where anything is wrong.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

from bench.imported_archive import PROJECT, open_client

Json = dict[str, Any]
NO_GEOJSON: Json = {"$id": "https://geojson.org/schema/GeoJSON.json", "type": "object", "not": {}}
"""ninjs refers to it; nothing that is written has any of it."""
_TEXTS: Mapping[str, re.Pattern[str]] = {
    "Text": re.compile(r".+", re.DOTALL),
    "URL": re.compile(r"https?://\S+"),
    # ISO 8601, with the reduced precisions that it has.
    "Date": re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?"),
    "DateTime": re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"),
}


@dataclass
class SchemaOrg:
    """Classes with those above them, and properties with where they stand and what they may be, by their names."""

    above: dict[str, set[str]] = field(default_factory=dict)
    domains: dict[str, set[str]] = field(default_factory=dict)
    ranges: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "SchemaOrg":
        vocabulary = cls()
        for node in json.loads(path.read_text("utf-8"))["@graph"]:
            name = node["@id"].removeprefix("schema:")
            kinds = node["@type"] if isinstance(node["@type"], list) else [node["@type"]]
            if "rdfs:Class" in kinds:
                vocabulary.above[name] = set(list_names(node.get("rdfs:subClassOf")))
            elif "rdf:Property" in kinds:
                vocabulary.domains[name] = set(list_names(node.get("schema:domainIncludes")))
                vocabulary.ranges[name] = set(list_names(node.get("schema:rangeIncludes")))
        return vocabulary

    def list_classes(self, name: str) -> set[str]:
        """The class and all above it."""
        classes, todo = set(), [name]
        while todo:
            one = todo.pop()
            if one not in classes:
                classes.add(one)
                todo += self.above.get(one, ())
        return classes

    def find_errors(self, node: Json, path: str) -> Iterator[str]:
        """A sentence for each property that does not belong where it stands, or is of another kind."""
        kind = str(node.get("@type"))
        if kind not in self.above:
            yield f"{path}: there is no class {kind}"
            return
        classes = self.list_classes(kind)
        for name, value in node.items():
            if name.startswith("@"):
                continue
            if not self.domains.get(name, set()) & classes:
                yield f"{path}.{name}: {kind} has no such property"
                continue
            for one in value if isinstance(value, list) else [value]:
                yield from self._find_value_errors(one, f"{path}.{name}", self.ranges[name])

    def _find_value_errors(self, value: object, path: str, ranges: set[str]) -> Iterator[str]:
        if isinstance(value, dict):
            if not self.list_classes(str(value.get("@type"))) & ranges:
                yield f"{path}: {value.get('@type')} is none of {sorted(ranges)}"
            yield from self.find_errors(value, path)
        elif isinstance(value, str):
            if not any(_TEXTS[name].fullmatch(value) for name in ranges if name in _TEXTS):
                yield f"{path}: {value[:60]!r} is none of {sorted(ranges)}"
        elif isinstance(value, bool) or not isinstance(value, int) or not ranges & {"Integer", "Number"}:
            yield f"{path}: {value!r} is none of {sorted(ranges)}"


def list_names(value: object) -> list[str]:
    """Of references to one or several terms."""
    refs = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    return [str(ref["@id"]).removeprefix("schema:") for ref in refs]


def make_validator(schema: Path) -> Any:
    """Of ninjs, with its formats (`uri`, `date-time`)."""
    registry = jsonschema_rs.Registry([(NO_GEOJSON["$id"], NO_GEOJSON)])
    return jsonschema_rs.validator_for(json.loads(schema.read_text("utf-8")), registry=registry, validate_formats=True)


@dataclass
class Count:
    """Of one format."""

    articles: int = 0
    size: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)


async def check(client: httpx.AsyncClient, vocabulary: SchemaOrg, validator: Any) -> dict[str, Count]:
    """Every article alone, and in pages of 50."""
    counts = {"ninjs": Count(), "jsonld": Count(), "ninjs lists": Count(), "jsonld lists": Count()}
    ids = [one["id"] async for one in list_articles(client)]
    addresses = [(f"/v1/articles/{id}?", "") for id in ids]
    addresses += [(f"/v1/articles?page={n}&limit=50&include=related&", " lists") for n in range(1, len(ids) // 50 + 2)]
    for address, kind in addresses:
        for name in ("ninjs", "jsonld"):
            began = time.perf_counter()
            response = await client.get(f"{address}format={name}")
            count = counts[name + kind]
            count.seconds += time.perf_counter() - began
            response.raise_for_status()
            count.articles += 1
            count.size += len(response.content)
            document = response.json()
            if name == "ninjs":
                found_errors = [f"{one.instance_path}: {one.message[:120]}" for one in validator.iter_errors(document)]
            else:
                found_errors = list(vocabulary.find_errors(document, "$"))
            count.errors += [f"{address} {error}" for error in found_errors]
    return counts


async def list_articles(client: httpx.AsyncClient) -> Any:
    cursor = ""
    while True:
        listed = (await client.get(f"/v1/articles?limit=100&fields=id{cursor}")).json()
        for one in listed["data"]:
            yield one
        if listed["page"]["next"] is None:
            return
        cursor = f"&cursor={listed['page']['next']}"


async def run(arguments: argparse.Namespace) -> int:
    vocabulary, validator = SchemaOrg.read(arguments.schema_org), make_validator(arguments.ninjs)
    with tempfile.TemporaryDirectory() as folder:
        stories = Path(folder) / "stories.ndjson"
        with arguments.stories.open("rb") as lines, stories.open("wb") as some:
            some.writelines(line for line, _ in zip(lines, range(arguments.count), strict=False))
        samples = sorted(path for path in (PROJECT / "seed_data").rglob("*") if path.is_file())
        async with open_client(*samples, stories) as client:
            counts = await check(client, vocabulary, validator)
    for name, count in counts.items():
        size, each = count.size / max(1, count.articles), 1_000 * count.seconds / max(1, count.articles)
        print(f"{name:13} {count.articles:5} documents {size:9.0f} bytes {each:6.2f} ms  {len(count.errors)} errors")
        for error in count.errors[:20]:
            print(f"  {error}")
    return int(any(count.errors for count in counts.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stories", type=Path, help="NDJSON")
    parser.add_argument("--count", type=int, default=1_000, help="how many of them")
    parser.add_argument("--ninjs", type=Path, required=True)
    parser.add_argument("--schema-org", type=Path, required=True)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
