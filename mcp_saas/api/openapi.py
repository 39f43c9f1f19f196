"""OpenAPI 3.1 out of the msgspec structs that the views really read and write."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import msgspec
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from mcp_saas.api.errors import PROBLEM_JSON
from mcp_saas.api.idempotency import HEADER, KEY_PATTERN, Idempotency, answer_once
from mcp_saas.kit.errors import ProblemDetails

View = TypeVar("View", bound=Callable[..., Any])
_structs: dict[str, type] = {"ProblemDetails": ProblemDetails}
_TITLES = {
    400: "the request is not valid",
    401: "no valid token",
    403: "not allowed with this token",
    404: "nothing here for this token",
    406: "only JSON is offered",
    409: "contradicts what is stored",
    413: "body too large",
    415: "media type not supported",
    422: "well-formed, but refused",
    429: "too many requests: `Retry-After` says when to come back",
    503: "for a moment out of service",
}
PAGE_PARAMETERS = [
    OpenApiParameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}, description="rows a page"
    ),
    OpenApiParameter("cursor", {"type": "string"}, description="opaque, from the `next_cursor` of the page before"),
]
_IDEMPOTENCY_KEY = {
    idempotency: OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
        OpenApiParameter.HEADER,
        required=idempotency == "required",
        description="a UUID of the caller's; under the same one the same answer is given again, for 72 hours",
    )
    for idempotency in get_args(Idempotency)
}


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
    answers: dict[int, type | None],
    problems: tuple[int, ...] = (),
    parameters: list[OpenApiParameter] | None = None,
    is_open: bool = False,
    is_limited: bool = True,
    idempotency: Idempotency | None = None,
) -> Callable[[View], View]:
    """Describes one operation: what it reads, what it answers, which problems it can meet.

    With `idempotency` it also makes it so: the answer is kept under the caller's Idempotency-Key.
    """
    usual = {400, 406, 503} | (set() if is_open else {401, 403}) | ({413, 415} if body else set())
    usual |= ({409, 422} if idempotency else set()) | ({429} if is_limited else set())
    responses: dict[tuple[int, str], Any] = {
        (status, "application/json"): _describe_answer(struct) for status, struct in answers.items()
    }
    responses |= {
        (status, PROBLEM_JSON): _describe_problem(status) for status in sorted((usual | set(problems)) - set(answers))
    }
    describe = extend_schema(
        operation_id=name,
        summary=summary,
        tags=[tag],
        auth=[] if is_open else None,
        request={"application/json": _refer(body)} if body else None,
        responses=responses,
        parameters=[*(parameters or []), *([_IDEMPOTENCY_KEY[idempotency]] if idempotency else [])],
    )
    return lambda view: describe(answer_once(view, idempotency=idempotency) if idempotency else view)


def add_contract_components(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """drf-spectacular's hook: how to sign in, and the JSON Schemas of all structs named by `endpoint`."""
    _, schemas = msgspec.json.schema_components([*_structs.values()], ref_template="#/components/schemas/{name}")
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return result


def _refer(struct: type) -> dict[str, str]:
    _structs[struct.__name__] = struct
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _describe_answer(struct: type | None) -> OpenApiResponse:
    if struct is None:
        return OpenApiResponse(description="done")
    return OpenApiResponse(response=_refer(struct), description=(struct.__doc__ or "done").split("\n")[0])


def _describe_problem(status: int) -> OpenApiResponse:
    return OpenApiResponse(response=_refer(ProblemDetails), description=_TITLES[status])
