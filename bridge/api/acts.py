"""What an operator does with a server: start, stop, restart, approve its tools, read its log."""

import threading
from collections.abc import Callable

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from redis.exceptions import RedisError
from rest_framework.request import Request

from bridge.api.answer_contract import LogAnswer, ServerAnswer
from bridge.api.contract import ApprovalBody
from bridge.api.describe import describe_line
from bridge.api.servers import answer_server
from bridge.api.view import NAME, TAG, CatalogueView
from bridge.manager.board import LONGEST_WAIT_S, refuse_without
from bridge.manager.catalogue import approve_tools, set_running
from bridge.manager.command import restart_server
from bridge.manager.log import LogLine, is_place, read_after, read_lines, wait_after
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import View, endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import Problem

STREAMS = ("stdout", "stderr", "protocol", "life")
LOG_PARAMETERS = [
    NAME,
    OpenApiParameter("q", {"type": "string", "maxLength": 200}, description="only lines with these words"),
    OpenApiParameter("stream", {"type": "string", "enum": list(STREAMS)}, description="only this stream"),
    OpenApiParameter("lines", {"type": "integer", "minimum": 1, "maximum": 1000}, description="at most; 100"),
    OpenApiParameter("after", {"type": "string", "maxLength": 26}, description="only lines after this one: its `id`"),
    OpenApiParameter("follow", {"type": "boolean", "default": False}, description="waits ten seconds for a line"),
]
_waiting = threading.BoundedSemaphore(2)  # threads of the server that may wait for lines; others answer at once


class ActView(CatalogueView):
    reads = frozenset()


def act(name: str, *, summary: str, body: type | None = None, problems: tuple[int, ...] = ()) -> Callable[[View], View]:
    """The contract of all that is done with one server: it is answered as it is then."""
    return endpoint(
        name,
        summary=summary,
        tag=TAG,
        body=body,
        answers={200: ServerAnswer},
        problems=(404, 409, *problems),
        parameters=[NAME],
        idempotency="optional",
    )


class StartView(ActView):
    @act("start_mcp_server", summary="Start an MCP server")
    def post(self, request: Request, name: str) -> HttpResponse:
        """It should run from now on. One in a crash loop gets a new chance. 409: it is built in."""
        row = set_running(self.find(name).name, should_run=True, actor=principal_of(request).subject)
        return answer_server(row, view=self)


class StopView(ActView):
    @act("stop_mcp_server", summary="Stop an MCP server")
    def post(self, request: Request, name: str) -> HttpResponse:
        """Calls under way are finished, new ones are refused. 409: it is built in."""
        row = set_running(self.find(name).name, should_run=False, actor=principal_of(request).subject)
        return answer_server(row, view=self)


class RestartView(ActView):
    @act("restart_mcp_server", summary="Restart an MCP server", problems=(503,))
    def post(self, request: Request, name: str) -> HttpResponse:
        """All gateways are told at once: 503 where none is running. What it should be stays as it is."""
        row = self.find(name)
        restart_server(row.name)
        return answer_server(row, view=self)


class ApproveView(ActView):
    @act("approve_mcp_tools", summary="Approve tools of an MCP server", body=ApprovalBody)
    def post(self, request: Request, name: str) -> HttpResponse:
        """Each by the hash of what you have read: a tool that has changed again meanwhile stays in quarantine. 409: it
        is built in, and its tools are what the release says.
        """
        body = read_body(request, ApprovalBody)
        with transaction.atomic():
            row = approve_tools(self.find(name).name, body.pins, actor=principal_of(request).subject)
        return answer_server(row, view=self)


class LogsView(CatalogueView):
    reads = frozenset()

    @endpoint(
        "read_mcp_log",
        summary="The log of an MCP server, from all gateways",
        tag=TAG,
        answers={200: LogAnswer},
        problems=(404,),
        parameters=LOG_PARAMETERS,
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """The last lines, the oldest of them first; about 10,000 are kept. With `follow` and the `after` of the answer
        before, the next ones as they come, or none after ten seconds: ask again.
        """
        row = self.find(name)
        try:
            lines = _read_lines(request, row.name)
        except RedisError as error:
            raise refuse_without(error) from error
        after = lines[-1].id if lines else request.GET.get("after")
        return answer(LogAnswer([describe_line(line) for line in lines], after), headers={"Cache-Control": "no-store"})


def _read_lines(request: Request, name: str) -> list[LogLine]:
    query = request.GET
    after, words, stream = query.get("after"), query.get("q", ""), query.get("stream", "")
    limit = query.get("lines", "100")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:5]) <= 1000):
        raise Problem(400, "bad-limit", "Bad limit", detail="lines is a whole number from 1 to 1000")
    if stream not in {"", *STREAMS} or len(words) > 200 or not (after is None or is_place(after)):
        raise Problem(400, "bad-filter", "Bad filter", detail=f"stream is one of {', '.join(STREAMS)}; after is an id")
    if after is None:
        return read_lines(name, words=words, stream=stream, limit=int(limit))
    lines = read_after(name, after, limit=int(limit))
    if not lines and query.get("follow") == "true" and _waiting.acquire(blocking=False):
        try:
            lines = wait_after(name, after, wait_s=LONGEST_WAIT_S, limit=int(limit))
        finally:
            _waiting.release()
    return lines
