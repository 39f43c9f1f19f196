"""What stands in the query and no operation reads is refused: a filter with a misspelled name would filter nothing,
and of one that is given twice only the last would be read.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.kit.errors import FieldError, Problem

Handler = TypeVar("Handler", bound=Callable[..., Any])
MAX_SHOWN_CHARS = 64


def take_only(handler: Handler, parameters: Iterable[OpenApiParameter]) -> Handler:
    """The view's method, which first refuses what is none of its `parameters`, or one of them twice."""
    allowed = tuple(one.name for one in parameters if one.location == OpenApiParameter.QUERY)

    @wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        refuse_unknown(request.GET, allowed)
        refuse_repeated(request.GET)
        return handler(view, request, *args, **kwargs)

    return handle  # type: ignore[return-value]


def refuse_unknown(given: Iterable[str], allowed: tuple[str, ...]) -> None:
    """Raises Problem 400, which names each that is unknown and all that are allowed."""
    unknown = [name[:MAX_SHOWN_CHARS] for name in given if name not in allowed]
    if unknown:
        known = f"known here: {', '.join(allowed)}" if allowed else "nothing is read from the query here"
        raise Problem(
            400,
            "unknown-parameter",
            "Unknown parameter",
            detail=f"{', '.join(unknown)}: {known}",
            errors=[FieldError(f"?{name}", "unknown", known) for name in unknown],
        )


def refuse_repeated(given: QueryDict) -> None:
    """Raises Problem 400 with the names of those that stand there more than once, as a body's fields may not."""
    repeated = [name for name, values in given.lists() if len(values) > 1]
    if repeated:
        raise Problem(
            400,
            "repeated-parameter",
            "A parameter is given twice",
            detail=f"{', '.join(repeated)}: each can be given once",
            errors=[FieldError(f"?{name}", "duplicate", "it can be given once") for name in repeated],
        )
