"""/mcp/events: what changes among the servers a tenant reaches, as it happens: lists, resources, conditions."""

import msgspec
from msgspec import Raw

from bridge.engine.envelope import to_one_line
from bridge.gateway.hub import CHANGES, CONDITION, Listener
from bridge.gateway.inbound import Inbound
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INVALID_REQUEST, Refusal
from bridge.gateway.stream import EventStream, hold
from bridge.sources.connection import Notice

EVENTS = "/mcp/events"


async def serve(parts: Parts, inbound: Inbound) -> None:
    """One event each: `event` is the method without `notifications/`, `data` {"server", "params"}. Raises Refusal."""
    if inbound.scope["method"] != "GET":
        raise Refusal(
            "method-not-allowed", "This is read with GET.", status=405, code=INVALID_REQUEST,
            headers=((b"allow", b"GET"),),
        )  # fmt: skip
    tenant = inbound.caller.tenant_id
    stream = EventStream(inbound.send, headers=inbound.answer_headers)
    for upstream in parts.offers.reach(None, tenant):
        stream.put(write(upstream.server.name, Notice(CONDITION, b'{"condition":"%b"}' % upstream.condition.encode())))
    take = lambda server, notice: stream.put(write(server, notice))  # noqa: E731 - one line of its own says less
    leave = parts.hub.join(Listener(None, tenant, take, frozenset((*CHANGES, CONDITION))))
    try:
        await hold(stream, inbound.stay(parts.door), streams=parts.streams)
    finally:
        leave()


def write(server: str, notice: Notice) -> bytes:
    data = msgspec.json.encode({"server": server, "params": Raw(to_one_line(notice.params))})
    return b"event: %b\ndata: %b\n\n" % (notice.method.removeprefix("notifications/").encode(), data)
