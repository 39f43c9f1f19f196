"""Calls that wait for their client between two of its requests: a legacy server asks in the middle of a call, a modern
client is told by an interim result and calls again. The call itself goes on all the while; the state the client brings
back is sealed, for this caller and this request alone, and says nothing to it.
"""

import asyncio
import base64
import binascii
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Raw, Struct

from bridge.engine.envelope import read_object, write_object
from bridge.engine.era import Members
from bridge.gateway.door.caller import Caller
from bridge.gateway.exchange import UNANSWERABLE, Exchange, Outcome
from bridge.gateway.refusal import INVALID_PARAMS, Refusal
from bridge.gateway.session import ASK_S, NO_ANSWER
from bridge.sources.connection import Answer, Ask, Notice
from mcp_saas.kit.crypto import SealError, open_sealed, seal

PLACE = b"mcp continuation"
MARK = "dazbox."
HOLD_S = ASK_S
MOST_HELD = 1_000


class State(Struct, array_like=True):
    """What a requestState holds."""

    handle: str
    tenant: UUID
    subject: str
    request: bytes  # a digest of what was called
    expires_at: float


class Held:
    """One call between two requests. `exchange`: the request that hears what comes next; None while there is none."""

    def __init__(self, exchange: Exchange, *, digest: bytes, write_state: Callable[["Held"], str]) -> None:
        self.handle = base64.urlsafe_b64encode(os.urandom(15)).decode()
        self.caller, self.digest, self.cancel = exchange.caller, digest, exchange.cancel
        self.exchange: Exchange | None = exchange
        self.expiry: asyncio.TimerHandle | None = None
        self._write_state = write_state
        self._asks: dict[str, tuple[Ask, asyncio.Future[Answer]]] = {}
        self._count = 0
        self._told: asyncio.Task[None] | None = None
        self._next: asyncio.Future[Outcome] | None = None

    async def ask(self, ask: Ask) -> Answer:
        self._count += 1
        key = f"ask-{self._count}"
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asks[key] = (ask, answer)
        self.tell()
        try:
            return await answer
        finally:
            self._asks.pop(key, None)

    def tell(self) -> None:
        """What is still asked goes to the client, all of it at once."""
        if self._told is None or self._told.done():
            self._told = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        await asyncio.sleep(0)  # questions asked together go together
        asked = {
            key: Raw(write_object({"method": Raw(msgspec.json.encode(ask.method)), "params": Raw(ask.params)}))
            for key, (ask, answer) in self._asks.items()
            if not answer.done()
        }
        if asked:
            state = msgspec.json.encode(self._write_state(self))
            await self._answer(Outcome(
                b'{"resultType":"input_required","inputRequests":%b,"requestState":%b}' % (write_object(asked), state)
            ))  # fmt: skip

    async def _answer(self, outcome: Outcome) -> None:
        exchange, self.exchange = self.exchange, None
        if self._next is not None and not self._next.done():
            self._next.set_result(outcome)
        elif exchange is not None:
            await exchange.finish(outcome)

    async def settle(self, outcome: Outcome) -> None:
        """The call ended. Nobody hears of it if the client did not come back."""
        await self._answer(outcome)

    async def go_on(self, exchange: Exchange, responses: Members) -> Outcome:
        """What comes next after the client's answers: the end of the call, or more questions."""
        self.exchange = exchange
        self._next = asyncio.get_running_loop().create_future()
        is_answered = False
        for key, value in responses.items():
            ask = self._asks.get(key)
            if ask is not None and not ask[1].done():
                ask[1].set_result(Answer(bytes(value)))
                is_answered = True
        if not is_answered:
            self.tell()
        return await self._next

    def take_notice(self, notice: Notice) -> None:
        if self.exchange is not None:
            self.exchange.take_notice(notice)

    def expire(self) -> None:
        for _, answer in tuple(self._asks.values()):
            if not answer.done():
                answer.set_result(Answer(NO_ANSWER, is_error=True))
        self.cancel()


class Continuations:
    """Those of this process: another gateway does not know them, and says so."""

    def __init__(self, key: AESGCM) -> None:
        self._key = key
        self._held: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, exchange: Exchange, *, digest: bytes) -> Held | None:
        """None: there are as many as may be."""
        if len(self._held) >= MOST_HELD:
            return None
        held = Held(exchange, digest=digest, write_state=self._write_state)
        self._held[held.handle] = held
        held.expiry = asyncio.get_running_loop().call_later(HOLD_S, held.expire)
        return held

    def drop(self, held: Held) -> None:
        self._held.pop(held.handle, None)
        if held.expiry is not None:
            held.expiry.cancel()

    def _write_state(self, held: Held) -> str:
        state = State(
            held.handle, held.caller.tenant_id, held.caller.subject, held.digest, time.time() + HOLD_S
        )  # fmt: skip
        return MARK + base64.urlsafe_b64encode(seal(self._key, msgspec.json.encode(state), place=PLACE)).decode()

    def find(self, text: str, caller: Caller, *, digest: bytes) -> Held:
        """Raises Refusal -32602 for a state that is not ours, another's, of another request, or too old."""
        try:
            content = open_sealed(self._key, base64.urlsafe_b64decode(text.removeprefix(MARK)), place=PLACE)
            state = msgspec.json.decode(content, type=State)
        except (SealError, binascii.Error, ValueError):
            raise refuse("The requestState was changed, or is not ours.") from None
        is_own = state.tenant == caller.tenant_id and state.subject == caller.subject and state.request == digest
        if not is_own:
            raise refuse("The requestState belongs to another request.")
        held = self._held.get(state.handle)
        if held is None or state.expires_at < time.time():
            raise refuse("The call this requestState belongs to is over: call again without it.")
        return held


def refuse(words: str) -> Refusal:
    return Refusal("invalid-request-state", words, status=400, code=INVALID_PARAMS)


def digest_request(method: str, params: Members) -> bytes:
    """Of what makes a request the same when it comes again."""
    kept = [method.encode()]
    kept += [bytes(params[name]) for name in ("name", "uri", "arguments") if name in params]
    return hashlib.blake2b(b"\0".join(kept), digest_size=16).digest()


class ModernExchange(Exchange):
    """Of a modern client, who is asked by an interim result."""

    __slots__ = ("_called", "continuations", "held")

    def keep_in(self, continuations: Continuations, *, method: str, params: Members) -> None:
        self.continuations, self._called = continuations, (method, params)
        self.held: Held | None = None

    @property
    def digest(self) -> bytes:
        return digest_request(*self._called)

    def take_notice(self, notice: Notice) -> None:
        if self.held is not None and self.held.exchange is not self:
            self.held.take_notice(notice)
        else:
            super().take_notice(notice)

    async def answer(self, ask: Ask) -> Answer:
        if ask.method == "ping":
            return Answer(b"{}")
        if not self.is_able(ask):
            return UNANSWERABLE
        if self.held is None:
            self.held = self.continuations.hold(self, digest=self.digest)
        return await self.held.ask(ask) if self.held is not None else UNANSWERABLE

    def conclude(self, outcome: Outcome) -> Awaitable[None]:
        """The call is over: told to whichever request of the client waits for it."""
        if self.held is None:
            return self.finish(outcome)
        self.continuations.drop(self.held)
        return self.held.settle(outcome)


def read_responses(params: Members) -> Members:
    """Raises MalformedError."""
    return read_object(bytes(params.get("inputResponses", Raw(b"{}"))))
