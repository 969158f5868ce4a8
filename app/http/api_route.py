"""The class of ordinary routes: FastAPI as its documentation teaches it, with this API's strict reading of requests.

    router = APIRouter(prefix="/v1", route_class=ApiRoute)

    @router.post("/tags/{ref}/merge")
    async def merge_tags(ref: TagRef, context: Context, view: Admin, params: MergeParams, payload: TagMerge) -> Tag: ...

`params` is the query string because its class is one of `Params`, `payload` the body because its class is a model, or a
`JsonBody[...]` of one that the function checks itself. FastAPI knows neither: `Query()` would let
unknown and repeated parameters pass, and it reads a body before it solves dependencies, so that a client without a key
would be heard out and told what is wrong in it. Here both are dependencies like all others, and these are solved in the
order of the signature: who may, then the query string, then the body. A route without `Params` takes none, and says so.

OpenAPI follows from the same signature. Hot reads have it too, and are called without FastAPI: see `fast_path`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeGuard, TypeVar, get_args, get_origin

from fastapi import Depends, Path
from fastapi.params import Security
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

from app.errors import NotFound
from app.http.body import JsonBody, list_media_types, read_body
from app.http.params.typed import Params
from app.http.request_state import get_now

T = TypeVar("T")
_UNUSED = "no_parameters"


class ApiRoute(APIRoute):
    """`function`: what handles a request, as it was written. `params`: the class of its query string. `payload`: the
    model of its body, if there is one."""

    function: Callable[..., Any]
    params: type[Params]
    payload: type[BaseModel] | None

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        declared = signature(endpoint, eval_str=True)
        types = [parameter.annotation for parameter in declared.parameters.values()]
        self.function = endpoint
        self.params = next((one for one in types if _is_class(one, Params)), Params)
        self.payload = next((model for model in map(_find_model, types) if model is not None), None)
        # What is only sometimes in a response has a default in Python alone (`only_where`), which is not sent.
        options["response_model_exclude_unset"] = True
        super().__init__(path, _adapt(endpoint, declared), **options)
        extra = self.openapi_extra or {}
        parameters = [*extra.get("parameters", ()), *self.params.openapi()]
        body = {"requestBody": _describe_body(self.payload)} if self.payload is not None else {}
        self.openapi_extra = extra | ({"parameters": parameters} if parameters else {}) | body


def describe_path(parameter: dict[str, Any]) -> Any:
    """A parameter in the path, for `Annotated`, from its OpenAPI form. Its limits are described and not enforced: what
    is longer than any slug is not found."""
    example = {"examples": [parameter["example"]]} if "example" in parameter else {}
    schema = {**parameter["schema"], **example}
    return Path(description=parameter["description"], json_schema_extra=schema)


def read_row_id(text: str) -> int:
    """The number of a row in the path; NotFound for what is none, as for a number that no row has."""
    # `isdigit` is true of digits of every script; a number of 19 digits may have more than 64 bits.
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound()
    return int(text)


def _adapt(endpoint: Callable[..., Any], declared: Signature) -> Callable[..., Any]:
    """The function as FastAPI is to see it: with dependencies for the query string and the body."""
    parameters = [_adapt_parameter(parameter) for parameter in declared.parameters.values()]
    annotations = [parameter.annotation for parameter in declared.parameters.values()]
    if not any(_is_class(one, Params) for one in annotations):
        # Behind who may, and before anything is looked up or read.
        securities = (at for at, one in enumerate(annotations) if any(isinstance(by, Security) for by in get_args(one)))
        unused = Parameter(_UNUSED, Parameter.KEYWORD_ONLY, annotation=Params)
        parameters.insert(next(securities, len(parameters)) + 1, _adapt_parameter(unused))

    @wraps(endpoint)
    async def call(**values: Any) -> Any:
        values.pop(_UNUSED, None)
        return await endpoint(**values)

    # FastAPI reads dependencies from `inspect.signature`, which asks this attribute before the function itself.
    call.__signature__ = declared.replace(parameters=parameters)  # type: ignore[attr-defined] # as `inspect` has it
    return call


def _adapt_parameter(parameter: Parameter) -> Parameter:
    annotation, model = parameter.annotation, _find_model(parameter.annotation)
    if _is_class(annotation, Params):
        annotation = Annotated[annotation, Depends(partial(parse_params, annotation))]
    elif model is not None:
        read = _read_payload if annotation is model else read_body
        annotation = Annotated[annotation, Depends(partial(read, model))]
    return parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=annotation)


async def parse_params(params: type[Params], request: Request) -> Params:
    """The query string of a request."""
    return params.parse(request.scope["query_string"], get_now(request.scope))


async def _read_payload(model: type[BaseModel], request: Request) -> BaseModel:
    return (await read_body(model, request)).validate()


def _find_model(annotation: object) -> type[BaseModel] | None:
    """The model of a body, bare or as `JsonBody[model]`; None for any other parameter."""
    model = get_args(annotation)[0] if get_origin(annotation) is JsonBody else annotation
    return model if _is_class(model, BaseModel) else None


def _is_class(annotation: object, base: type[T]) -> TypeGuard[type[T]]:
    return isinstance(annotation, type) and issubclass(annotation, base)


def _describe_body(model: type[BaseModel]) -> dict[str, object]:
    schema = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    return {"required": True, "content": dict.fromkeys(list_media_types(model), schema)}
