"""A random search for expensive requests: addresses and parameters from OpenAPI, values from the archive and from a
table of shapes that are known to cost, and changes of the costliest requests that were found so far."""

from __future__ import annotations

import random
import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]

STREAMS = frozenset({"/v1/changes/stream", "/v1/export"})
"""GETs of which the response goes on for as long as the client reads. They cost by the megabyte, not by the request."""
WAITING = frozenset({"wait"})
"""Parameters that only make the client wait."""
UNLISTED = ("/openapi.json", "/docs", "/docs/swagger-ui-bundle.js", "/metrics", "/health", "/health/ready")
"""GETs that OpenAPI does not have."""
OFTENER = 8
"""So many addresses, those of the costliest requests, are asked oftener than the others."""
KEPT = 12
"""Of each address the costliest so many are changed further."""

CJK = "一国中人大新聞北京東日本語会議政府経済"
LETTERS = "bcdfgklmnprstaeiou"
TIMES = ("1000", "1900", "2015-03", "2020-02-29", "2024-05-05T10:00:00Z", "now", "now-7d", "now-999y", "2100")
ZONES = ("UTC", "Asia/Kathmandu", "Africa/Monrovia", "Pacific/Apia", "America/St_Johns", "Antarctica/Troll")
TOKENS = ("0", "now")


@dataclass(frozen=True)
class CostlyRequest:
    """A GET: the address as OpenAPI has it, what stands in its braces, and the query in order."""

    path: str
    refs: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    coding: str = "identity"

    @property
    def url(self) -> str:
        path = self.path
        for name, value in self.refs:
            path = path.replace("{" + name + "}", quote(value, safe=""))
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe=',:')}" for name, value in self.query)
        return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class Measured:
    """What a request cost the server, in seconds of CPU."""

    cpu: float
    request: CostlyRequest
    status: int
    size: int


@dataclass
class Material:
    """Values of the archive, by the names of parameters; `words` stand in texts."""

    values: Mapping[str, Sequence[str]]
    words: Sequence[str]
    cursors: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=lambda: list(TOKENS))


Get = Callable[[str, str], Awaitable[tuple[int, Mapping[str, str], Json]]]
"""Path and content coding in; status, headers by lower-case name and JSON (empty for what is none) out."""
Spend = Callable[[CostlyRequest], Awaitable[Measured]]


async def collect_material(get: Get) -> Material:
    """Reads what requests can ask for: slugs, ids, names, words."""
    articles = (await get("/v1/articles?limit=100&include=body_text", "identity"))[2]["data"]
    by_name: dict[str, list[str]] = {
        "id": [str(one["id"]) for one in articles],
        "slug": [one["slug"] for one in articles],
        "external_id": [str(one["external_id"]) for one in articles],
        "url": [one["source"]["url"] for one in articles if one["source"] and one["source"]["url"]],
        "source": [one["source"]["slug"] for one in articles if one["source"] and one["source"]["slug"]],
        "language": [one["language"] for one in articles],
        "translation_of": [str(one["id"]) for one in articles],
        "year": [str(year) for year in range(2010, 2027)],
    }
    tags = (await get("/v1/tags?limit=100&sort=-article_count", "identity"))[2]["data"]
    regions = (await get("/v1/regions?limit=100&sort=-article_count", "identity"))[2]["data"]
    authors = (await get("/v1/tags?limit=100&kind=contributor", "identity"))[2]["data"]
    for name in ("tag", "tag_all", "tag_not", "section"):
        by_name[name] = [one["slug"] for one in tags]
    for name in ("region", "region_all", "region_not", "parent", "within"):
        by_name[name] = [one["slug"] for one in regions]
    by_name["author"] = [one["slug"] for one in authors]
    words = sorted({word for one in articles for word in f"{one['title']} {one['body_text'][:2000]}".split()})
    return Material({name: list(dict.fromkeys(values)) or ["1"] for name, values in by_name.items()}, words)


class Shapes:
    """Makes and changes requests. `operations`: the GETs of OpenAPI, by path."""

    def __init__(self, document: Json, material: Material, chance: random.Random) -> None:
        self.material, self.chance = material, chance
        self.operations: dict[str, list[Json]] = {
            path: operations["get"].get("parameters", [])
            for path, operations in document["paths"].items()
            if "get" in operations and path not in STREAMS
        }
        self.paths = [*self.operations, *UNLISTED]

    def make(self, path: str) -> CostlyRequest:
        """A request with some of the parameters."""
        declared = self.operations.get(path, [])
        refs = tuple((one["name"], self._ref(path, one)) for one in declared if one["in"] == "path")
        possible = [one for one in declared if one["in"] == "query" and one["name"] not in WAITING]
        chosen = [one for one in possible if one["required"] or self.chance.random() < 3 / len(possible)]
        query = tuple((one["name"], self._value(one)) for one in chosen)
        return CostlyRequest(path, refs, query, self.chance.choice(("identity", "gzip", "zstd")))

    def change(self, request: CostlyRequest) -> CostlyRequest:
        """The same with one thing added, changed, left out or made longer."""
        declared = self.operations.get(request.path, [])
        possible = [one for one in declared if one["in"] == "query" and one["name"] not in WAITING]
        by_name = dict(request.query)
        kind = self.chance.random()
        if kind < 0.06:
            return replace(request, query=(*request.query, *self._flood()))
        if kind < 0.15 and by_name:
            del by_name[self.chance.choice(list(by_name))]
        elif kind < 0.2 and request.refs:
            fresh = self.make(request.path).refs
            return replace(request, refs=fresh)
        elif possible:
            one = self.chance.choice(possible)
            by_name[one["name"]] = self._value(one)
        return replace(request, query=tuple(by_name.items()))

    def _flood(self) -> list[tuple[str, str]]:
        """Parameters that nobody has declared, or one of them many times."""
        count = self.chance.choice((1, 30, 1000))
        if self.chance.random() < 0.5:
            return [(self._text(6), "1") for _ in range(count)]
        return [(self.chance.choice(("limit", "tag", "q", "fields", "id")), "1") for _ in range(count)]

    def _ref(self, path: str, one: Json) -> str:
        known = self.material.values
        realm = next((name for name in ("region", "tag") if f"/{name}s/" in path), "id")
        if self.chance.random() < 0.1:
            return self._text(self.chance.choice((3, 200)))
        if one["name"] != "ref":
            return str(self.chance.choice((1, 2, "x")))
        return self.chance.choice(known["slug"] if realm == "id" and self.chance.random() < 0.3 else known[realm])

    def _value(self, one: Json) -> str:
        schema, name = one["schema"], str(one["name"])
        if schema.get("type") != "array":
            return self._single(name, schema)
        if "enum" in schema["items"]:
            allowed = list(schema["items"]["enum"])
            many = self.chance.choice((1, 3, len(allowed)))
            return ",".join(self.chance.sample(allowed, min(many, len(allowed))))
        many = self.chance.choice((1, 2, 10, schema.get("maxItems", 100)))
        return ",".join(self._item(name, schema["items"]) for _ in range(many))

    def _item(self, name: str, schema: Json) -> str:
        if self.chance.random() < 0.1:
            return str(self.chance.randrange(30_000)) if schema.get("type") == "integer" else self._text(12)
        if schema.get("type") == "integer" and name not in self.material.values:
            return self._single(name, schema)
        return self.chance.choice(self.material.values.get(name, self.material.words))

    def _single(self, name: str, schema: Json) -> str:
        kind = schema.get("type")
        if "enum" in schema:
            return str(self.chance.choice(schema["enum"]))
        if "anyOf" in schema:
            return self.chance.choice(TIMES)
        if kind == "boolean":
            return self.chance.choice(("true", "true", "false"))
        if kind == "integer":
            low, high = int(schema.get("minimum", 0)), int(schema.get("maximum", 2**31))
            near = [low, min(high, low + 10), min(high, 100), min(high, 10_000), high]
            return str(self.chance.choice(near))
        if name == "tz":
            return self.chance.choice(ZONES)
        if name == "cursor" and self.material.cursors:
            return self.chance.choice(self.material.cursors)
        if name in ("since", "min_seq"):
            return self.chance.choice(self.material.tokens)
        if name == "names_in":
            return self.chance.choice(("fr", "de", "xx"))
        if name == "format":
            return self.chance.choice(("json", "csv"))
        if name == "window":
            return self.chance.choice(("24h", "7d", "52w", "366d"))
        if name in self.material.values:
            return self.chance.choice(self.material.values[name])
        return self.query_text(int(schema.get("maxLength", 512)))

    def query_text(self, most: int) -> str:
        """Text for a search box: words of the archive in all the forms that queries know."""
        chance, words = self.chance, self.material.words
        many = chance.choice((1, 2, 5, 20, 64))
        shapes: list[Callable[[], str]] = [
            lambda: chance.choice(words),
            lambda: f"{chance.choice(LETTERS)}*",
            lambda: f"{chance.choice(LETTERS)}{chance.choice(LETTERS)}*",
            lambda: chance.choice(LETTERS),
            lambda: f'"{chance.choice(words)} {chance.choice(words)}"',
            lambda: f"-{chance.choice(words)}",
            lambda: f"{chance.choice(('title', 'body', 'standfirst'))}:{chance.choice(LETTERS)}*",
            lambda: f"{chance.choice(('tag', 'region', 'author'))}:{chance.choice(('tag', 'a*', 'e*', 'author'))}",
            lambda: "".join(chance.choices(CJK, k=chance.choice((1, 2, 30)))),
            lambda: self._misspelt(chance.choice(words)),
            lambda: "-".join(chance.choices(words, k=8)),
            lambda: f"({chance.choice(words)} OR {chance.choice(LETTERS)}*)",
        ]
        mixed = chance.sample(shapes, chance.choice((1, 2, len(shapes))))
        joint = chance.choice((" ", " OR ", " AND ", " -"))
        return joint.join(chance.choice(mixed)() for _ in range(many))[:most].strip() or "a"

    def _misspelt(self, word: str) -> str:
        at = self.chance.randrange(len(word))
        return word[:at] + self.chance.choice("qxzw") + word[at + 1 :] + self.chance.choice(("", "qz"))

    def _text(self, length: int) -> str:
        return "".join(self.chance.choices(string.ascii_lowercase + "-", k=length)).strip("-") or "x"


class Search:
    """Asks, and changes the costliest requests of each address further. `worst` has them, the costliest first."""

    def __init__(self, shapes: Shapes, spend: Spend) -> None:
        self.shapes, self.spend = shapes, spend
        self.asked = 0
        self._best: dict[str, list[Measured]] = {}

    @property
    def worst(self) -> list[Measured]:
        return sorted((one for item in self._best.values() for one in item), key=lambda one: -one.cpu)

    def worst_by_address(self) -> list[Measured]:
        """The costliest request of each address, the costliest first."""
        return sorted((item[0] for item in self._best.values()), key=lambda one: -one.cpu)

    async def run(self, count: int) -> None:
        """So many requests: each address comes in turn, the costlier ones oftener."""
        chance, paths = self.shapes.chance, self.shapes.paths
        for number in range(count):
            path = paths[number % len(paths)]
            if number >= len(paths) and chance.random() < 0.6:
                path = chance.choice(self.worst_by_address()[:OFTENER]).request.path
            response = self._best.get(path, [])
            fresh = not response or chance.random() < 0.35
            request = self.shapes.make(path) if fresh else chance.choice(response).request
            for _ in range(0 if fresh else chance.choice((1, 1, 2, 4))):
                request = self.shapes.change(request)
            self._note(await self.spend(request))

    def _note(self, measured: Measured) -> None:
        self.asked += 1
        own = self._best.setdefault(measured.request.path, [])
        own.append(measured)
        own.sort(key=lambda one: -one.cpu)
        del own[KEPT:]
