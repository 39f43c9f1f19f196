"""When the node's cycles run."""

import datetime as dt
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from rest_framework.request import Request

from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.text import without_nul
from nodes.api.control import ControlView
from nodes.pipeline.schedule import set_schedule
from nodes.selectors.schedule import read_schedule
from tenants.models.schedule import CycleSchedule


class ScheduleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A cron expression of five fields, read in the time zone; null: once a period."""

    cron: Annotated[str, without_nul(min_length=9, max_length=100)] | None
    time_zone: Annotated[str, without_nul(min_length=1, max_length=64)] = "UTC"


class ScheduleAnswer(Struct, frozen=True):
    """When the node's cycles run, and the next of them."""

    cron: str | None
    time_zone: str
    next_run_at: dt.datetime


class ScheduleView(ControlView):
    @endpoint(
        "get_schedule",
        summary="When cycles run",
        tag="node",
        answers={200: ScheduleAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """What a report shows may bring the next one forward."""
        return answer(describe_schedule(read_schedule()))

    @endpoint(
        "set_schedule",
        summary="Choose when cycles run",
        tag="node",
        body=ScheduleBody,
        answers={200: ScheduleAnswer},
        problems=(404, 422),
        needs_match=True,
    )
    def put(self, request: Request, pubkey: str) -> HttpResponse:
        """Up to ten minutes after each time of the expression, always as many for a box. An expression that never
        comes, or twice within ten minutes, answers 422.
        """
        body = read_body(request, ScheduleBody)
        actor = principal_of(request).subject
        row = set_schedule(body.cron, body.time_zone, actor=actor, now=timezone.now())
        return answer(describe_schedule(row))


def describe_schedule(row: CycleSchedule) -> ScheduleAnswer:
    return ScheduleAnswer(row.cron or None, row.time_zone, row.next_run_at)
