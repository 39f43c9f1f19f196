"""What a query asks for: which decisions, actions or forwards."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.kit.errors import Problem
from nodes.engine.report import Instant
from nodes.engine.short_channel_id import ShortChannelId
from nodes.engine.types import DIRECTIONS
from nodes.selectors.decision import DecisionFilter

HELD_BY_PATTERN = r"^[a-z_]{1,40}$"
HeldBy = Annotated[str, msgspec.Meta(pattern=HELD_BY_PATTERN)]
CHANNEL = OpenApiParameter("channel", {"type": "string", "maxLength": 40}, description="only this short channel id's")
SINCE = OpenApiParameter("since", {"type": "string", "format": "date-time"}, description="from this instant on")
UNTIL = OpenApiParameter("until", {"type": "string", "format": "date-time"}, description="before this instant")
DECISION_FILTERS = [
    OpenApiParameter("run", {"type": "string", "maxLength": 36}, description="`latest`, or the id of a run"),
    CHANNEL,
    SINCE,
    OpenApiParameter("direction", {"type": "string", "enum": list(DIRECTIONS)}, description="only such changes"),
    OpenApiParameter(
        "held_by", {"type": "string", "pattern": HELD_BY_PATTERN}, description="only those this guard or limit held"
    ),
]


def read_decision_filter(request: Request) -> DecisionFilter:
    """Raises Problem 400."""
    query = request.GET
    direction = query.get("direction")
    if direction not in {None, *DIRECTIONS}:
        raise _refuse(f"direction is one of {', '.join(DIRECTIONS)}")
    run = query.get("run")
    return DecisionFilter(
        run="latest"
        if run == "latest"
        else read_query(request, "run", shape=UUID, words="`latest` or the id of a run"),
        channel=read_channel(request),
        since=read_instant(request, "since"),
        direction=direction,
        held_by=read_query(request, "held_by", shape=HeldBy, words="the name of a guard, like cooldown_s"),
    )


def read_channel(request: Request) -> str | None:
    """Raises Problem 400."""
    found: str | None = read_query(
        request, "channel", shape=ShortChannelId, words="a short channel id, like 800000x12x1"
    )
    return found


def read_instant(request: Request, name: str) -> dt.datetime | None:
    """Raises Problem 400."""
    words = "an instant with a time zone, like 2026-11-01T00:00:00Z"
    found: dt.datetime | None = read_query(request, name, shape=Instant, words=words)
    return found


def read_query(request: Request, name: str, *, shape: Any, words: str) -> Any:
    """One value of the query as `shape`, None where it is not given. Raises Problem 400."""
    given = request.GET.get(name)
    if given is None:
        return None
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError:
        raise _refuse(f"{name} is {words}") from None


def _refuse(detail: str) -> Problem:
    return Problem(400, "bad-filter", "Bad filter", detail=detail)
