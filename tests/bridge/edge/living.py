"""A gateway's parts without its servers: what the status and the metrics read."""

from types import SimpleNamespace
from typing import Any

from bridge.engine.observed import Condition, ConnectionSeen, GatewaySeen, ServerSeen
from bridge.engine.server import Access, Server, Stdio
from bridge.gateway.audit import Audit
from bridge.gateway.cache import Answers
from bridge.gateway.metrics import Metrics
from bridge.gateway.pins import Pins
from bridge.gateway.queue import FairQueue
from bridge.gateway.rates import Rates
from bridge.gateway.schema import Schemas
from bridge.gateway.single_flight import Flights
from tests.bridge.edge.issuer import TENANT

SERVERS = {
    "home": Server("home", Stdio("home")),
    "others": Server("others", Stdio("others"), access=Access(tenants=())),
    "mine": Server("mine", Stdio("mine"), access=Access(tenants=(TENANT,), tools=("one",))),
}


class Gateway:
    """`see` is what the fleet would say."""

    def __init__(self) -> None:
        upstreams = {name: SimpleNamespace(server=server, queue=FairQueue(4, 4)) for name, server in SERVERS.items()}
        self.fleet: Any = SimpleNamespace(upstreams=upstreams)
        self.answers, self.schemas, self.pins, self.rates = Answers(1000), Schemas(), Pins(), Rates()
        self.audit, self.metrics, self.keys = Audit(None), Metrics(), None
        self.flights: Flights[Any] = Flights()
        self.is_draining = False

    def see(self) -> GatewaySeen:
        return GatewaySeen(
            instance="gateway-1", pid=42, since=1.0, version="1", catalogue_revision=7, is_draining=self.is_draining,
            sessions=3, streams=2, servers=tuple(see_server(name) for name in SERVERS),
        )  # fmt: skip


def see_server(name: str) -> ServerSeen:
    child = ConnectionSeen("shared", Condition.READY, "2025-11-25", 4711, 1.0, 2, 10, 1, 1, 5_000_000, 0.5, None)
    return ServerSeen(
        name,
        1,
        Condition.READY,
        (child, child),
        5,
        "closed",
        2,
        None,
        None,
        ("bad",),
        "it told <b>secrets</b>",
        2.0,
        {},
    )
