"""Regions as points of a map: GeoJSON (RFC 7946). A region whose place is not known is a feature without geometry."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.errors import FieldError, InvalidInput
from app.http import conditional, responses
from app.regions import examples

MEDIA_TYPE = "application/geo+json"
_DEGREES = {"type": "array", "items": {"type": "number"}}
_POINT = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {"type": {"const": "Point"}, "coordinates": {**_DEGREES, "description": "Longitude, latitude."}},
}
_FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "integer"},
        "bbox": {**_DEGREES, "description": "West, south, east, north, where it is known."},
        "geometry": {"anyOf": [_POINT, {"type": "null"}]},
        "properties": {"$ref": "#/components/schemas/Region"},
    },
}
_COLLECTION = {
    "type": "object",
    "description": "A FeatureCollection of GeoJSON (RFC 7946).",
    "required": ["type", "features"],
    "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": _FEATURE}},
}
CONTENT = {MEDIA_TYPE: {"schema": _COLLECTION, "example": examples.FEATURES}}
"""How OpenAPI has it. Written out: FastAPI describes shapes of one media type only."""
LARGEST = 5_000
"""Features of one response: six times what an archive begins with."""


def check_params(names: Collection[str]) -> None:
    """InvalidInput for parameters of pages."""
    wrong = [name for name in ("limit", "cursor", "page") if name in names]
    if wrong:
        detail = "A FeatureCollection has no pages; it has everything that matches."
        raise InvalidInput(*(FieldError("invalid_value", detail, name) for name in wrong))


def write_features(regions: Iterable[Mapping[str, Any]]) -> bytes:
    """The collection, from regions as lists have them. InvalidInput for more than `LARGEST`."""
    features = [_build_feature(region) for region in regions]
    if len(features) > LARGEST:
        detail = f"More than {LARGEST:,} regions match; `level`, `within` and `min_articles` narrow."
        raise InvalidInput(FieldError("invalid_value", detail, "format"))
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _build_feature(region: Mapping[str, Any]) -> dict[str, object]:
    is_placed = region["longitude"] is not None
    point = {"type": "Point", "coordinates": [region["longitude"], region["latitude"]]}
    box = {"bbox": region["bbox"]} if region["bbox"] is not None else {}
    return {
        "type": "Feature", "id": region["id"], **box, "geometry": point if is_placed else None, "properties": region,
    }  # fmt: skip


def respond(
    request: Request, body: bytes, *, token: str, public: bool, warnings: Sequence[Mapping[str, object]] = ()
) -> Response:
    """With the caching headers of other lists; warnings stand in a header, as those of CSV."""
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body),
        cache_control=responses.choose_cache_control(public=public),
        headers={
            **responses.build_headers(token, public=public, tags=["list", "regions"]),
            **responses.render_warnings(warnings),
        },
        media_type=MEDIA_TYPE,
    )
