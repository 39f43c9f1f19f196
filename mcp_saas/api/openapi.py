"""OpenAPI 3.1 out of the msgspec structs that the views really read and write."""

from collections.abc import Callable
from functools import partial
from inspect import cleandoc
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from mcp_saas.api.body import CSV, EVENTS, ZIP
from mcp_saas.api.errors import PROBLEM_JSON
from mcp_saas.api.etag import Waiver
from mcp_saas.api.idempotency import Idempotency
from mcp_saas.api.promise import Promise, choose_promises, keep_promises
from mcp_saas.api.query import take_only
from mcp_saas.kit.errors import ProblemDetails

View = TypeVar("View", bound=Callable[..., Any])
OPERATION = "operation"  # the attribute of a view's method that holds its name
_structs: dict[str, type] = {"ProblemDetails": ProblemDetails}
_TITLES = {
    304: "nothing has changed",
    400: "the request is not valid",
    401: "no valid token",
    403: "not allowed with this token",
    404: "nothing here for this token",
    406: "only JSON is offered",
    409: "contradicts what is stored",
    410: "deleted for good",
    412: "it has changed since",
    413: "body too large",
    415: "media type not supported",
    422: "well-formed, but refused",
    428: "If-Match is missing",
    429: "too many requests: `Retry-After` says when to come back",
    503: "for a moment out of service",
}
EVENT_STREAM = {(200, EVENTS): OpenApiResponse(OpenApiTypes.STR, description="server-sent events")}
PAGE_PARAMETERS = [
    OpenApiParameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}, description="rows a page"
    ),
    OpenApiParameter("cursor", {"type": "string"}, description="opaque, from the `next_cursor` of the page before"),
]


class ContractSchema(AutoSchema):
    """drf-spectacular's generator: an operation that `endpoint` does not call open needs a bearer token."""

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{"bearer": []}]


def endpoint(  # noqa: PLR0913 - a declaration: each argument is a line of the contract
    name: str,
    *,
    summary: str,
    tag: str,
    body: type | None = None,
    form: dict[str, Any] | None = None,
    answers: dict[int, type | None],
    problems: tuple[int, ...] = (),
    parameters: list[OpenApiParameter] | None = None,
    streams: bool = False,
    is_open: bool = False,
    is_limited: bool = True,
    idempotency: Idempotency | None = None,
    is_tagged: bool = False,
    needs_match: bool | Waiver = False,
    takes_any_query: bool = False,
) -> Callable[[View], View]:
    """Describes one operation: what it reads and answers, which problems it can meet. The docstring is published, too.

    An answer is a struct, a list of one, None for no body, `bytes` for a ZIP file, or `str` for a CSV file. `form`: the
    JSON Schema of a form taken as well as JSON. Four arguments also make it so: `idempotency` keeps the answer under
    the caller's Idempotency-Key, `is_tagged` gives it an ETag, `needs_match` writes only for a caller that names the
    present one (a function says which need not), and a query beside `parameters` is refused unless `takes_any_query`.
    """
    promises = choose_promises(idempotency, is_tagged=is_tagged, needs_match=needs_match)
    usual = {400, 406, 503, *problems}.union(*(promise.problems for promise in promises))
    usual |= (set() if is_open else {401, 403}) | ({413, 415} if body else set()) | ({429} if is_limited else set())
    describe = partial(
        extend_schema,
        operation_id=name,
        summary=summary,
        tags=[tag],
        auth=[] if is_open else None,
        request=_describe_bodies(body, form),
        responses=_describe_responses(answers | ({304: None} if is_tagged else {}), usual, streams=streams),
        parameters=[*(parameters or []), *(promise.header for promise in promises)],
    )
    keep = partial(_keep, promises=promises, parameters=None if takes_any_query else parameters or [])
    return lambda view: _name(describe(description=_read_description(view))(keep(view)), name)


def _keep(view: View, *, promises: list[Promise], parameters: list[OpenApiParameter] | None) -> View:
    """`parameters`: all that the query may hold; None: anything."""
    kept = keep_promises(view, promises)
    return kept if parameters is None else take_only(kept, parameters)


def _name(view: View, name: str) -> View:
    vars(view)[OPERATION] = name
    return view


def _read_description(view: Callable[..., Any]) -> str:
    """The docstring of the view's method, and never that of a class."""
    if view.__doc__ is None:
        raise ValueError(f"{view.__qualname__} has no docstring: it is the operation's description")
    return cleandoc(view.__doc__)


def add_contract_components(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """drf-spectacular's hook: how to sign in, and the JSON Schemas of all structs named by `endpoint`."""
    _, schemas = msgspec.json.schema_components([*_structs.values()], ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        _drop_default_structs(schema)
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for operation in (operation for item in result["paths"].values() for operation in item.values()):
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True
    return result


def _drop_default_structs(schema: dict[str, Any]) -> None:
    """Generators of clients know no default values that are objects."""
    for field in schema.get("properties", {}).values():
        if isinstance(field.get("default"), dict):
            del field["default"]


def _refer(struct: type) -> dict[str, str]:
    _structs[struct.__name__] = struct
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _describe_bodies(body: type | None, form: dict[str, Any] | None) -> dict[str, Any] | None:
    if body is None:
        return None
    if body is bytes:
        return {"application/octet-stream": OpenApiTypes.BINARY}
    return {"application/json": _refer(body)} | ({"multipart/form-data": form} if form else {})


def _describe_responses(
    answers: dict[int, type | None], problems: set[int], *, streams: bool
) -> dict[tuple[int, str], OpenApiResponse]:
    described = {(status, _media_type(shape)): _describe_answer(status, shape) for status, shape in answers.items()}
    refused = {(status, PROBLEM_JSON): _describe_problem(status) for status in sorted(problems - set(answers))}
    return described | refused | (EVENT_STREAM if streams else {})


def _media_type(shape: type | None) -> str:
    if shape is str:
        return CSV
    return ZIP if shape is bytes else "application/json"


def _describe_answer(status: int, struct: type | None) -> OpenApiResponse:
    if struct is None:
        return OpenApiResponse(description=_TITLES.get(status, "done"))
    if struct is bytes:
        return OpenApiResponse(OpenApiTypes.BINARY, description="a file")
    if struct is str:
        return OpenApiResponse(OpenApiTypes.STR, description="a table, its header first")
    if get_origin(struct) is list:
        [item] = get_args(struct)
        listed = {"type": "array", "items": _refer(item)}
        return OpenApiResponse(response=listed, description=f"a list: {_name_answer(item)}")
    return OpenApiResponse(response=_refer(struct), description=_name_answer(struct))


def _name_answer(struct: type) -> str:
    return (struct.__doc__ or "done").split("\n")[0]


def _describe_problem(status: int) -> OpenApiResponse:
    return OpenApiResponse(response=_refer(ProblemDetails), description=_TITLES[status])
