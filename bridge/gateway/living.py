"""What the status and the metrics ask of the gateway: the objects that do the work, and nothing that is remembered."""

from collections.abc import Mapping
from typing import Any, Protocol

from bridge.engine.observed import GatewaySeen
from bridge.engine.server import Server
from bridge.gateway.audit import Audit
from bridge.gateway.cache import Answers
from bridge.gateway.door.keys import KeySet
from bridge.gateway.metrics import Metrics
from bridge.gateway.pins import Pins
from bridge.gateway.queue import FairQueue
from bridge.gateway.rates import Rates
from bridge.gateway.schema import Schemas
from bridge.gateway.single_flight import Flights


class Served(Protocol):
    """A server that runs."""

    @property
    def server(self) -> Server: ...
    @property
    def queue(self) -> FairQueue: ...


class Fleet(Protocol):
    @property
    def upstreams(self) -> Mapping[str, Served]: ...


class Living(Protocol):
    """The gateway's parts, as it has them."""

    @property
    def fleet(self) -> Fleet: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def flights(self) -> Flights[Any]: ...
    @property
    def schemas(self) -> Schemas: ...
    @property
    def pins(self) -> Pins: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def keys(self) -> KeySet | None: ...
    def see(self) -> GatewaySeen: ...
