"""One call, from a client that was let in to its answer. Reads like its diagram:

1  is the caller within its rate?      2  find the tool, as it was approved      3  may this caller?
4  do the arguments fit?               5  is there an answer already?
6  wait for a turn      7  pick a connection      8  ask, in the era of the server      9  tell the outcome
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec
from msgspec import Raw, Struct

from bridge.engine.audited import AuditedCall
from bridge.engine.envelope import read_error, read_object, write_object
from bridge.engine.era import (
    RESOURCE_NOT_FOUND,
    Members,
    needs_input,
    to_legacy_params,
    to_legacy_result,
    to_modern_code,
    to_modern_params,
    to_modern_result,
)
from bridge.engine.naming import is_valid
from bridge.engine.server import SEPARATOR, Server
from bridge.engine.tool import Tool
from bridge.gateway.audit import cut_arguments, cut_name
from bridge.gateway.cache import make_key
from bridge.gateway.door import access
from bridge.gateway.door.challenge import refuse_scope
from bridge.gateway.fleet.slot import Slot
from bridge.gateway.fleet.upstream import Upstream
from bridge.gateway.http import refuse_length, to_refusal
from bridge.gateway.mirrored import check_mirrored
from bridge.gateway.parts import Parts
from bridge.gateway.rates import weigh
from bridge.gateway.refusal import METHOD_NOT_FOUND, Refusal
from bridge.gateway.request import Request
from bridge.gateway.rounds import answer_inputs
from bridge.sources.connection import Answer, Connection, ConnectionLost, RequestTimeout, UpstreamError
from bridge.sources.dazbox.connection import DazboxConnection
from mcp_saas.kit.breaker import Breaker

NO_ARGUMENTS = Raw(b"{}")
CACHE_HIT = (b"x-cache", b"hit")
MOST_ROUNDS = 20
PLAIN_METHOD = re.compile(r"[A-Za-z0-9_$./-]{1,128}")


async def call_tool(parts: Parts, request: Request, *, upstream: Upstream, name: str) -> Answer:
    """tools/call of a tool by its own name. Raises Refusal."""
    server, caller = upstream.server, request.caller
    arguments = bytes(request.params.get("arguments", NO_ARGUMENTS))
    with Noted(parts, request, server, tool=name, arguments=arguments) as noted:
        request.told = parts.rates.take(caller, server.name, cost=weigh(max(len(arguments), len(request.raw))))
        tool = find_tool(parts, request, upstream=upstream, name=name)
        tool = tool or await parts.offers.learn_tool(upstream, name, request=request)
        access.check(caller, server.access, server=server.name, tool=tool)
        own = upstream.own(caller.tenant_id)
        noted.arguments = canonical = parts.schemas.check(server.name, name, arguments=arguments, tenant=own)
        mirrored = parts.lists.mirrored.get((server.name, name))
        if mirrored and request.headers is not None:
            check_mirrored(mirrored, request.headers, arguments=canonical)
        if is_kept(upstream, tool, params=request.params):
            answer = await _call_cached(parts, request, upstream=upstream, tool=tool, arguments=canonical)
        else:
            answer = await relay(parts, request, upstream=upstream, name=name)
        noted.outcome = "tool_error" if is_tool_error(answer) else "ok"
    return answer


async def call_method(parts: Parts, request: Request, *, upstream: Upstream) -> Answer:
    """A request the protocol does not know, of an extension: in the audit as a tool of its name. Raises Refusal.

    Nobody tells whether it changes something, so it needs the scope for that; and what is no plain name reaches nobody.
    """
    with Noted(parts, request, upstream.server, tool=request.method, arguments=write_object(request.params)) as noted:
        if not PLAIN_METHOD.fullmatch(request.method):
            raise Refusal("not-found", "Unknown method: its name is none.", status=404, code=METHOD_NOT_FOUND)
        if "act" not in request.caller.scopes:
            raise refuse_scope("act", request.method)
        answer = await relay(parts, request, upstream=upstream, name=None)
        noted.outcome = "tool_error" if answer.is_error else "ok"
    return answer


def find_tool(parts: Parts, request: Request, *, upstream: Upstream, name: str) -> Tool | None:
    """None: it is not known yet. Raises Refusal for one that is not what was approved."""
    tenant = request.caller.tenant_id
    tool = parts.lists.find_tool(upstream, name, tenant)
    parts.pins.check(upstream.server.name, name, tenant=upstream.own(tenant))
    return tool


def is_kept(upstream: Upstream, tool: Tool, *, params: Members) -> bool:
    """By the operator's consent, for what changes nothing by its own word; never what a client's answers went into."""
    return (
        tool.name in upstream.server.caching.tools
        and tool.is_read_only
        and tool.is_idempotent
        and "inputResponses" not in params
        and "requestState" not in params
    )


class _Failed(Struct):
    isError: bool = False  # noqa: N815 - the protocol's name


_read_failed = msgspec.json.Decoder(_Failed).decode


def is_tool_error(answer: Answer) -> bool:
    body = answer.body
    return answer.is_error or (b'"isError"' in body and b"true" in body and _read_failed(body).isError)


def tell_refusal(refusal: Refusal) -> str:
    """The outcome of the audit."""
    return {"upstream-timeout": "timeout", "upstream-away": "lost"}.get(refusal.kind, f"refused:{refusal.kind}")


def tell_end(error: BaseException) -> str:
    if isinstance(error, Refusal):
        return tell_refusal(error)
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "refused:internal"


class Noted:
    """A call that leaves a row in the audit and a count, whatever becomes of it. `server` None: it is not found yet, or
    there is none for this caller.
    """

    __slots__ = ("_parts", "_request", "arguments", "outcome", "server", "tool")

    def __init__(self, parts: Parts, request: Request, server: Server | None, *, tool: str, arguments: bytes) -> None:
        self._parts, self._request, self.server, self.tool = parts, request, server, tool
        self.arguments, self.outcome = arguments, "refused:internal"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        outcome = self.outcome if error is None else tell_end(error)
        parts, request, server = self._parts, self._request, self.server
        seconds = time.monotonic() - request.began_s
        if server is not None:  # who makes names up fills nothing
            parts.metrics.note(server.name, outcome, seconds=seconds)
        parts.audit.note(
            AuditedCall(
                at=time.time(),
                tenant_id=request.caller.tenant_id,
                subject=request.caller.subject,
                server=server.name if server is not None else find_said(request, self.tool),
                tool=cut_name(self.tool),
                arguments_sha256=hashlib.sha256(self.arguments).hexdigest(),
                outcome=outcome,
                duration_ms=round(seconds * 1000, 3),
                request_id=request.request_id,
                instance=parts.instance,
                arguments=cut_arguments(self.arguments) if server is not None and server.access.log_arguments else None,
            )
        )


def find_said(request: Request, name: str) -> str:
    """The server a caller meant that was not found, where it could be the name of one; else empty."""
    prefix, separator, _ = name.partition(SEPARATOR)
    said = request.server if request.server is not None else prefix.rpartition(" ")[2] if separator else ""
    return said if is_valid(said) else ""


async def _call_cached(parts: Parts, request: Request, *, upstream: Upstream, tool: Tool, arguments: bytes) -> Answer:
    """Kept by tenant and arguments; identical calls under way are made once."""
    server = upstream.server.name
    ttl_s = upstream.server.caching.tools[tool.name]
    era = b"1" if request.client.is_modern else b"0"
    key = make_key(server, tool.name, params=era + arguments, tenant=request.caller.tenant_id)
    kept = parts.answers.find(key)
    if kept is not None:
        request.told = (*request.told, CACHE_HIT)
        return Answer(mark_hit(kept.body))
    epoch = parts.answers.epoch(server)

    async def make() -> Answer:
        answer = await relay(parts, request, upstream=upstream, name=tool.name)
        if not is_tool_error(answer) and not needs_input(answer.body):
            parts.answers.keep(
                key, answer.body, ttl_s=ttl_s, server=server, tenant=request.caller.tenant_id, epoch=epoch
            )
        return answer

    timeout_s = choose_timeout(request, upstream)
    return await _tell_faults(upstream, lambda: parts.flights.run(key, make, timeout_s=timeout_s))


async def _tell_faults(upstream: Upstream, make: Callable[[], Awaitable[Answer]]) -> Answer:
    try:
        return await make()
    except UpstreamError as error:
        raise to_refusal(error) from error


def mark_hit(body: bytes) -> bytes:
    """Seen by whoever looks: `_meta` says that this answer was kept."""
    members = read_object(body)
    meta = read_object(bytes(members.get("_meta", NO_ARGUMENTS)))
    return write_object({**members, "_meta": Raw(write_object({**meta, "dazbox/cache": Raw(b'"hit"')}))})


def choose_timeout(request: Request, upstream: Upstream) -> float:
    limits = upstream.server.limits
    wished_s = request.timeout_s if request.timeout_s is not None else limits.timeout_s
    return min(max(wished_s, 0.001), limits.max_timeout_s)


async def relay(parts: Parts, request: Request, *, upstream: Upstream, name: str | None) -> Answer:
    """The request to the server and its answer back, each in the era of who reads it. Raises Refusal."""
    most = upstream.server.limits.max_request_bytes
    if most < parts.body_bytes and sum(map(len, request.params.values())) > most:
        raise refuse_length(most)
    timeout_s = choose_timeout(request, upstream)
    until_s = time.monotonic() + timeout_s
    tenant = request.caller.tenant_id
    if not upstream.queue.take(tenant):
        await upstream.queue.wait(tenant, priority=request.priority, deadline_s=timeout_s)
    try:
        return await _ask(request, upstream=upstream, name=name, until_s=until_s)
    except UpstreamError as error:
        raise to_refusal(error) from error
    finally:
        upstream.queue.leave(tenant)


async def _ask(request: Request, *, upstream: Upstream, name: str | None, until_s: float) -> Answer:
    """Raises UpstreamError."""
    breaker = upstream.breaker
    if not breaker.allow():
        raise ConnectionLost(f"The server {upstream.server.name} failed several times in a row and is left alone.")
    slot = upstream.choose(tenant=request.caller.tenant_id, session=request.session)
    try:
        connection = slot.connection
        if connection is None or not connection.is_open:
            connection = await start(slot, breaker, until_s=until_s)
        answer = await _use(slot, connection, request=request, name=name, until_s=until_s)
    except RequestTimeout as error:
        breaker.note_failure()
        slot.note_timeout(str(error))
        raise
    except UpstreamError as error:  # it ended in mid-call: its slot starts it anew, which is the cure
        slot.note_error(str(error))
        raise
    breaker.note_success()
    return answer


async def _use(slot: Slot, connection: Connection, *, request: Request, name: str | None, until_s: float) -> Answer:
    slot.calls += 1
    slot.in_flight += 1
    slot.used_at_s = time.monotonic()
    if isinstance(connection, DazboxConnection):  # our own API, and no other server, is asked in the caller's name
        connection = connection.bind(request.caller.token)
    try:
        return await ask_in_era(connection, request, name=name, timeout_s=until_s - slot.used_at_s)
    finally:
        slot.in_flight -= 1


async def start(slot: Slot, breaker: Breaker, *, until_s: float) -> Connection:
    """Raises ConnectionLost."""
    try:
        return await slot.wait(until_s - time.monotonic())
    except ConnectionLost:
        breaker.note_failure()
        raise


def ask_in_era(connection: Connection, request: Request, *, name: str | None, timeout_s: float) -> Awaitable[Answer]:
    """Raises UpstreamError."""
    is_modern = connection.era == "modern"
    if request.client.is_modern != is_modern:
        ask = ask_in_rounds if is_modern else ask_legacy
        return ask(connection, request, name=name, timeout_s=timeout_s)
    return connection.request(
        request.method, request.write_params(), timeout_s=timeout_s, inbox=request.asker, name=name
    )


async def ask_legacy(connection: Connection, request: Request, *, name: str | None, timeout_s: float) -> Answer:
    """Of a modern client. Raises UpstreamError."""
    params = write_object(to_legacy_params(request.params))
    answer = await connection.request(request.method, params, timeout_s=timeout_s, inbox=request.asker, name=name)
    return to_modern_answer(answer, request.method, server_info=connection.server_info)


async def ask_in_rounds(connection: Connection, request: Request, *, name: str | None, timeout_s: float) -> Answer:
    """Of a legacy client: what a modern server needs to know meanwhile is asked of it, until the server has all."""
    params = to_modern_params(request.params, request.client)
    for _ in range(MOST_ROUNDS):
        answer = await connection.request(
            request.method, write_object(params), timeout_s=timeout_s, inbox=request.asker, name=name
        )
        if answer.is_error:
            return answer
        if not needs_input(answer.body):
            return Answer(to_legacy_result(answer.body))
        params = await answer_inputs(params, answer.body, asker=request.asker)
    raise UpstreamError(f"The server asked {MOST_ROUNDS} times and did not come to an end.")


def to_modern_answer(answer: Answer, method: str, *, server_info: bytes) -> Answer:
    if not answer.is_error:
        return Answer(to_modern_result(answer.body, method, server_info=server_info))
    fault = read_error(answer.body)
    code = to_modern_code(fault.code)
    if code == fault.code:
        return answer
    data = fault.data if fault.code == RESOURCE_NOT_FOUND else Raw()
    members = {"code": Raw(b"%d" % code), "message": Raw(msgspec.json.encode(fault.message))}
    return Answer(write_object({**members, "data": data} if data else members), is_error=True)
