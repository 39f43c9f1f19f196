"""A node's API that goes wrong on request. For tests alone: nothing serves it unless it is asked to."""

import json
import os
import signal
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nodes.simulator.asgi import Message, Receive, Send, read_body
from nodes.simulator.faults.plan import Fault, FaultPlan

MAX_BODY_BYTES = 16 * 2**20
REMEMBERED_ANSWERS = 8  # of each request
PROXY_WORDS = b"upstream connect error or disconnect/reset before headers"
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class _Heard:
    """One request, whole."""

    method: str
    path: str
    query: bytes
    body: bytes


@dataclass(frozen=True)
class _Said:
    """What was answered to it."""

    at_s: float
    messages: list[Message]


class FaultyApp:
    """`app` with the faults of `plan`."""

    def __init__(self, app: App, plan: FaultPlan, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._plan = plan
        self._clock = clock
        self._answers: dict[_Heard, deque[_Said]] = defaultdict(lambda: deque(maxlen=REMEMBERED_ANSWERS))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body = await read_body(receive, MAX_BODY_BYTES)
        heard = _Heard(scope["method"], scope["path"], scope["query_string"], body)
        fault = self._plan.find_fault(heard.path, body)
        if fault is None:
            return await _say(send, await self._handle(scope, heard))
        if fault.kind == "timeout":
            return await _wait_until_gone(receive)
        if fault.kind == "die-before":
            _die()
        if early := self._answer_without_handling(fault, heard):
            return await _say(send, early)
        return await self._spoil(fault, await self._handle(scope, heard), receive=receive, send=send)

    async def _handle(self, scope: Message, heard: _Heard) -> list[Message]:
        messages: list[Message] = []
        told = False

        async def hear() -> Message:
            nonlocal told
            if told:
                return {"type": "http.disconnect"}
            told = True
            return {"type": "http.request", "body": heard.body, "more_body": False}

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, hear, keep)
        self._answers[heard].append(_Said(self._clock(), messages))
        return messages

    def _answer_without_handling(self, fault: Fault, heard: _Heard) -> list[Message] | None:
        if fault.kind == "error":
            content = PROXY_WORDS if fault.answer is None else json.dumps(fault.answer).encode()
            return _write_answer(fault.status, content)
        if fault.kind == "partial":
            return _describe_partial(fault, heard)
        if fault.kind == "stale":
            return self._remember(fault, heard)
        return None

    def _remember(self, fault: Fault, heard: _Heard) -> list[Message] | None:
        """The newest answer of `age_s` ago, or the oldest one known; None: it was never asked before."""
        known = self._answers[heard]
        until_s = self._clock() - fault.age_s
        old = [said for said in known if said.at_s <= until_s]
        chosen = old[-1] if old else known[0] if known else None
        return None if chosen is None else chosen.messages

    async def _spoil(self, fault: Fault, messages: list[Message], *, receive: Receive, send: Send) -> None:
        if fault.kind == "die-after":
            _die()
        if fault.kind == "lost":
            return await _wait_until_gone(receive)
        if fault.kind == "cut":
            await send(messages[0])
            await send({"type": "http.response.body", "body": messages[1]["body"][:1], "more_body": True})
            raise ConnectionAbortedError("cut off on request")
        return await _say(send, messages)


async def _say(send: Send, messages: list[Message]) -> None:
    for message in messages:
        await send(message)


async def _wait_until_gone(receive: Receive) -> None:
    """Until the caller has had enough."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _describe_partial(fault: Fault, heard: _Heard) -> list[Message] | None:
    """None: it is about another channel. LND says under HTTP 200 what it did not do."""
    point: dict[str, Any] = json.loads(heard.body or b"{}").get("chan_point", {})
    name = f"{point.get('funding_txid_str')}:{point.get('output_index', 0)}"
    if fault.channels and name not in fault.channels:
        return None
    outpoint = {"txid_bytes": "", "txid_str": point.get("funding_txid_str"), "output_index": point.get("output_index")}
    failed = {"outpoint": outpoint, "reason": "UPDATE_FAILURE_INTERNAL_ERR", "update_error": "failed on request"}
    return _write_answer(200, json.dumps({"failed_updates": [failed]}).encode())


def _write_answer(status: int, content: bytes) -> list[Message]:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": content},
    ]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
