"""Sessions of legacy clients. What one needs to go on is sealed in its id, so another gateway, or this one after a
restart, takes it over: only open streams and subscriptions have to be made again.
"""

import asyncio
import base64
import binascii
import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Raw, Struct

from bridge.engine.era import Client
from bridge.gateway.door.caller import Caller
from bridge.gateway.stream import EventStream, write_event
from mcp_saas.kit.crypto import SealError, open_sealed, seal

PLACE = b"mcp session"
MOST_SESSIONS, MOST_ENDED = 10_000, 50_000
MOST_OF_TENANT = 1_000  # then the one it used longest ago goes, and nobody else's
LIFE_S = 7 * 86_400.0
ASK_S = 300.0  # for a person to answer
NO_ANSWER = b'{"code":-32603,"message":"the client did not answer in time"}'
MOST_ID_BYTES = 6_000  # header lines may have 8 kB
MOST_EVENTS, MOST_EVENT_BYTES = 256, 1 << 20  # kept for those who come back


class Sealed(Struct, array_like=True):
    """What the id of a session holds."""

    begun_at: float
    tenant: UUID
    subject: str
    server: str | None
    version: str
    capabilities: Raw
    info: Raw | None


class Channel:
    """One stream of a session: that of a call, or the one that GET opened. It goes on when its client comes back."""

    def __init__(self, session: "Session", name: str) -> None:
        self._session, self.name = session, name
        self.live: EventStream | None = None
        self.is_done = False

    def put(self, message: bytes) -> None:
        event = self._session.keep(self, message)
        if self.live is not None:
            self.live.put(event)

    def prime(self) -> None:
        """An event without content, whose id is a place to come back to (2025-11-25)."""
        if self.live is not None:
            self.live.put(b"id: %b\ndata: \n\n" % self._session.next_id())

    def finish(self) -> None:
        self.is_done = True
        self.end()

    def end(self) -> None:
        """Of the stream; a client that comes back goes on with another."""
        if self.live is not None:
            self.live.end()


class Session:
    """`level`: log messages below it are not told. `waiting`: questions to the client by the JSON of their id."""

    def __init__(self, session_id: str, sealed: Sealed) -> None:
        self.id, self.tenant, self.subject, self.server = session_id, sealed.tenant, sealed.subject, sealed.server
        info = bytes(sealed.info) if sealed.info is not None else None
        self.client = Client(sealed.version, bytes(sealed.capabilities), info, "info")
        self.key = hashlib.blake2b(session_id.encode(), digest_size=12).hexdigest()
        self.waiting: dict[bytes, asyncio.Future[tuple[bytes, bool]]] = {}
        self.under_way: dict[bytes, Callable[[], None]] = {}  # how to cancel, by the JSON of the request's id
        self.watched: dict[str, tuple[str, ...]] = {}  # URI -> servers that were asked to tell
        self.general = Channel(self, "general")
        self.leave: Callable[[], None] | None = None
        self._channels: dict[int, Channel] = {}
        self._events: deque[tuple[int, Channel, bytes]] = deque()
        self._event_bytes = 0
        self._order = self._asked = 0

    def set_level(self, level: str) -> None:
        self.client = msgspec.structs.replace(self.client, log_level=level)

    def next_id(self) -> bytes:
        self._order += 1
        return b"%d" % self._order

    def keep(self, channel: Channel, message: bytes) -> bytes:
        """The event of the message; kept until there are too many."""
        event = write_event(message, event_id=self.next_id())
        self._events.append((self._order, channel, event))
        self._event_bytes += len(event)
        while len(self._events) > MOST_EVENTS or self._event_bytes > MOST_EVENT_BYTES:
            self._event_bytes -= len(self._events.popleft()[2])
        return event

    def prime(self, channel: Channel) -> None:
        channel.prime()
        self._events.append((self._order, channel, b""))

    def resume(self, last: int) -> tuple[Channel, list[bytes]]:
        """The channel that event was of and what it brought since; the general one where nobody knows any more."""
        channel = next((channel for order, channel, _ in self._events if order == last), None)
        if channel is None:
            return self.general, []
        return channel, [event for order, other, event in self._events if other is channel and order > last and event]

    async def ask(self, send: Callable[[bytes], None]) -> tuple[bytes, bool]:
        """The client's result, or its error and True. `send`: the question, with the id it is given."""
        self._asked += 1
        request_id = b'"dazbox-%d"' % self._asked
        answer: asyncio.Future[tuple[bytes, bool]] = asyncio.get_running_loop().create_future()
        self.waiting[request_id] = answer
        try:
            send(request_id)
            async with asyncio.timeout(ASK_S):
                return await answer
        except TimeoutError:
            return NO_ANSWER, True
        finally:
            del self.waiting[request_id]

    def take_answer(self, request_id: bytes, body: bytes, *, is_error: bool) -> None:
        answer = self.waiting.get(request_id)
        if answer is not None and not answer.done():
            answer.set_result((body, is_error))

    def end(self) -> None:
        for cancel in tuple(self.under_way.values()):
            cancel()
        self.general.end()
        if self.leave is not None:
            self.leave()


class Sessions:
    """`on_end` hears of each session that is over or put aside."""

    def __init__(self, key: AESGCM, *, on_end: Callable[[Session], None]) -> None:
        self._key, self._on_end = key, on_end
        self._open: OrderedDict[str, Session] = OrderedDict()
        self._own: dict[UUID, OrderedDict[str, Session]] = {}  # by tenant, the one used longest ago first
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, caller: Caller, server: str | None, *, client: Client) -> Session:
        sealed = Sealed(
            time.time(),
            caller.tenant_id,
            caller.subject,
            server,
            client.version,
            Raw(client.capabilities),
            Raw(client.info) if client.info is not None else None,
        )
        content = msgspec.json.encode(sealed)
        if len(content) > MOST_ID_BYTES // 2:
            sealed.info = None
            content = msgspec.json.encode(sealed)
        session_id = base64.urlsafe_b64encode(seal(self._key, content, place=PLACE)).rstrip(b"=").decode()
        return self._keep(Session(session_id, sealed))

    def find(self, session_id: str, caller: Caller, *, server: str | None) -> Session | None:
        """None: unknown, over, or another's."""
        session = self._open.get(session_id)
        if session is None:
            session = self._revive(session_id)
            if session is None:
                return None
        self._own[session.tenant].move_to_end(session_id)
        is_own = session.tenant == caller.tenant_id and session.subject == caller.subject and session.server == server
        return session if is_own else None

    def end(self, session: Session) -> None:
        self._ended[session.id] = None
        while len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)
        self._put_aside(session)

    def end_streams(self) -> None:
        """Their clients open them anew, elsewhere."""
        for session in self._open.values():
            if session.general.live is not None:
                session.general.live.end()

    def end_all(self) -> None:
        for session in tuple(self._open.values()):
            session.end()

    def _keep(self, session: Session) -> Session:
        while len(self._own.get(session.tenant, ())) >= MOST_OF_TENANT:
            self._put_aside(next(iter(self._own[session.tenant].values())))
        while len(self._open) >= MOST_SESSIONS:
            self._put_aside(next(iter(self._open.values())))
        self._open[session.id] = session
        self._own.setdefault(session.tenant, OrderedDict())[session.id] = session
        return session

    def _put_aside(self, session: Session) -> None:
        if self._open.pop(session.id, None) is not None:
            del self._own[session.tenant][session.id]
            if not self._own[session.tenant]:
                del self._own[session.tenant]
        session.end()
        self._on_end(session)

    def _revive(self, session_id: str) -> Session | None:
        if session_id in self._ended or len(session_id) > MOST_ID_BYTES:
            return None
        try:
            padded = session_id + "=" * (-len(session_id) % 4)
            sealed_bytes = base64.urlsafe_b64decode(padded)
            if base64.urlsafe_b64encode(sealed_bytes).rstrip(b"=").decode() != session_id:
                return None  # another spelling of an id, perhaps of one that has ended
            content = open_sealed(self._key, sealed_bytes, place=PLACE)
            sealed = msgspec.json.decode(content, type=Sealed)
        except (SealError, binascii.Error, ValueError):
            return None
        if time.time() - sealed.begun_at > LIFE_S:
            return None
        return self._keep(Session(session_id, sealed))
