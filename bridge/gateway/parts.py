"""What the gateway is made of, put together once."""

import contextlib
import os
import socket
import time
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis

from bridge.engine.observed import GatewaySeen, ServerSeen
from bridge.engine.server import Server
from bridge.gateway.audit import Audit
from bridge.gateway.cache import Answers
from bridge.gateway.config import Config
from bridge.gateway.continuation import Continuations
from bridge.gateway.door.entrance import Door
from bridge.gateway.door.exchange import KeyExchange
from bridge.gateway.door.issuing import Issuing
from bridge.gateway.door.keys import KeySet
from bridge.gateway.door.origin import LOOPBACK, Origins
from bridge.gateway.exchange import Watch
from bridge.gateway.fleet.fleet import Fleet, Log
from bridge.gateway.fleet.seen import see_server
from bridge.gateway.fleet.upstream import Upstream, part
from bridge.gateway.guests import Guests
from bridge.gateway.hub import PROMPTS, RESOURCES, TOOLS, Hub
from bridge.gateway.line import Lines
from bridge.gateway.lists import Lists
from bridge.gateway.metrics import Metrics
from bridge.gateway.offers import Offers
from bridge.gateway.own_secrets import OpenWith, OwnSecrets
from bridge.gateway.pins import Pins
from bridge.gateway.quota import DayCount
from bridge.gateway.rates import Rates
from bridge.gateway.schema import Schemas
from bridge.gateway.session import Session, Sessions
from bridge.gateway.single_flight import Flights
from bridge.gateway.stream import Streams
from bridge.gateway.tarpit import Tarpit
from bridge.gateway.watching import Watching
from bridge.sources.connection import Answer, Connection, Era, Notice, OnLog, UpstreamError
from mcp_saas.kit.crypto import make_key
from mcp_saas.kit.version import VERSION

ANSWERS_BYTES, BODY_BYTES = 16 << 20, 8 << 20
SPOILS = {TOOLS: "tools/", PROMPTS: "prompts/", RESOURCES: "resources/"}


class Parts:
    """`redis` None: the catalogue is a file, and nobody is told anything."""

    def __init__(self, config: Config, open_connection: OpenWith, *, log: Log, redis: "Redis | None" = None) -> None:
        self.config, self.redis = config, redis
        self.instance = f"{socket.gethostname()}-{os.getpid()}"
        self.began_at = time.time()
        self.is_draining: bool = False
        self.body_bytes: int = BODY_BYTES
        self._learning: dict[str, bool] = {}  # servers whose tools are being read: whether they changed again
        key = AESGCM(config.state_key or make_key())
        self.http = httpx.AsyncClient(timeout=10.0)
        self.keys = KeySet(config.jwks_url, client=self.http) if config.jwks_url else None
        self.door, self.issuing = make_door(config, self.keys, client=self.http)
        self.watching: Watching = Watching(
            self, self.door, issuer=None if self.issuing else config.jwt_issuer, metrics_token=config.metrics_token
        )
        self.origins: Origins = make_origins(config)
        self.schemas: Schemas = Schemas()
        self.pins: Pins = Pins()
        self.rates, self.tarpit = Rates(config.rate_scale), Tarpit()
        self.answers: Answers = Answers(ANSWERS_BYTES)
        self.audit: Audit = Audit(redis)
        self.metrics: Metrics = Metrics()
        self.day_count = DayCount(redis, self.rates, instance=self.instance) if redis is not None else None
        self.flights: Flights[Answer] = Flights()
        self.lists: Lists = Lists(pins=self.pins, schemas=self.schemas)
        self.hub: Hub = Hub()
        self.streams, self.lines, self.sockets = Streams(), Lines(), Guests()
        self.watch: Watch = Watch()
        board = None if config.servers_file else redis  # a file's servers have nobody's own secrets
        self._open_with, self._secrets = open_connection, OwnSecrets(board, config.state_key)
        self.fleet: Fleet = Fleet(
            self._open,
            on_ready=self._on_ready,
            on_notice=self._on_notice,
            on_changed=self._on_changed,
            on_gone=self._on_gone,
            log=log,
        )
        self.offers: Offers = Offers(self.fleet, self.lists)
        self.sessions: Sessions = Sessions(key, on_end=self._on_session_end)
        self.continuations: Continuations = Continuations(key)

    async def _open(
        self, server: Server, tenant: UUID | None, *, on_log: OnLog, known: Era | None = None
    ) -> Connection:
        secret = await self._secrets.find(server.name, tenant) if tenant is not None else None
        return await self._open_with(server, secret, on_log=on_log, known=known)

    async def renew(self) -> None:
        """Connections whose tenant has set other secrets since. Raises RedisError, SealError."""
        for own in await self._secrets.find_changed(self.fleet.list_own()):
            self.fleet.renew(own)

    async def _on_ready(self, upstream: Upstream, connection: Connection) -> None:
        """Its tools are known before the first call: raises UpstreamError for a server that cannot even list them."""
        name = upstream.server.name
        self.answers.drop(name)
        self.lists.spoil(name)
        if upstream.server.pool.policy != "per_credential":
            await self.lists.learn(upstream, connection, key=(name, "tools/list", None))

    def _on_notice(self, upstream: Upstream, notice: Notice, owner: UUID | None) -> None:
        prefix = SPOILS.get(notice.method)
        if prefix is not None:
            self.lists.spoil(upstream.server.name, prefix=prefix)
            if notice.method == TOOLS:
                self.answers.drop(upstream.server.name)
                self._learn_soon(upstream)
        self.hub.tell(upstream.server, notice, owner=owner)

    def _on_changed(self, upstream: Upstream) -> None:
        """Other pins, other rules: what is kept was kept under the old ones."""
        self.answers.drop(upstream.server.name)
        self.lists.spoil(upstream.server.name)
        self._learn_soon(upstream)

    def _learn_soon(self, upstream: Upstream) -> None:
        """A tool that changed is set apart without waiting for somebody to ask for the list. One reading at a time: a
        server that says a thousand times that it changed is read once more.
        """
        name = upstream.server.name
        if name not in self._learning:
            part(self._learn(name))
        self._learning[name] = True

    async def _learn(self, name: str) -> None:
        try:
            while self._learning[name]:
                self._learning[name] = False
                await self._read_tools(name)
        finally:
            del self._learning[name]

    async def _read_tools(self, name: str) -> None:
        upstream = self.fleet.find(name)
        if upstream is None or upstream.server.pool.policy == "per_credential":
            return
        slot = next((slot for slot in upstream.slots.values() if slot.is_ready), None)
        if slot is not None and slot.connection is not None:
            with contextlib.suppress(UpstreamError):  # the old list stays until the next one is read
                await self.lists.learn(upstream, slot.connection, key=(name, "tools/list", None))

    def _on_gone(self, server: str) -> None:
        self.answers.drop(server)
        self.lists.forget(server)
        self.schemas.forget(server)
        self.pins.forget(server)
        self.metrics.forget(server)

    def _on_session_end(self, session: Session) -> None:
        self.fleet.leave_session(session.key)
        for uri, servers in session.watched.items():
            self.fleet.unwatch_later(uri, servers, tenant=session.tenant)

    def see(self) -> GatewaySeen:
        """What lives now."""
        return GatewaySeen(
            instance=self.instance,
            pid=os.getpid(),
            since=self.began_at,
            version=VERSION,
            catalogue_revision=self.fleet.catalogue.revision,
            is_draining=self.is_draining,
            sessions=len(self.sessions),
            streams=len(self.streams) + len(self.lines),
            servers=tuple(self._see(upstream) for upstream in self.fleet.upstreams.values()),
        )

    def _see(self, upstream: Upstream) -> ServerSeen:
        name = upstream.server.name
        return see_server(
            upstream, quarantined=self.pins.quarantined(name), seen_pins=self.pins.seen(name),
            tools=self.lists.count_tools(name),
        )  # fmt: skip


def make_door(config: Config, keys: KeySet | None, *, client: httpx.AsyncClient) -> tuple[Door, Issuing | None]:
    """Tokens for API keys are given where both can be looked at."""
    exchange = KeyExchange(config.api_url, client=client) if config.api_url else None
    door = Door(
        keys,
        issuer=config.jwt_issuer,
        audience=config.jwt_audience,
        anonymous=config.anonymous,
        exchange=exchange,
    )
    return door, Issuing(door, exchange) if exchange is not None and keys is not None else None


def make_origins(config: Config) -> Origins:
    loopback = LOOPBACK if config.is_loopback else ()
    return Origins(hosts=(*loopback, *config.allowed_hosts), origins=config.allowed_origins)
