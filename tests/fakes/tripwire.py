"""Stands between an agent and the cloud, and holds one exchange back where a test wants it held."""

import threading
from typing import Literal
from urllib.parse import urlsplit

import httpx

from tests.fakes.json_server import PATIENCE_S, Call, JsonServer, Reply

When = Literal["before", "after"]
PASSED_ON = ("Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "Accept")


class DroppedError(ConnectionError):
    """The exchange ends without an answer."""


class Tripwire(JsonServer):
    """Passes everything on to `upstream`. `arm` it, wait until it is `sprung`, `release` it."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.sprung = threading.Event()
        self._armed: tuple[str, str, When] | None = None
        self._go_on = threading.Event()
        self._drops = True
        self._counting, self._under_way = threading.Lock(), 0
        self._client = httpx.Client(trust_env=False, timeout=PATIENCE_S)
        super().__init__(self._pass_on)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        self._client.close()

    def arm(self, method: str, ending: str, when: When) -> None:
        """Holds the next such exchange before it reaches the cloud, or after the cloud has answered."""
        self.sprung.clear()
        self._go_on.clear()
        self._drops = True
        self._armed = (method, ending, when)

    def release(self, *, drops: bool = True) -> None:
        """What is held ends without an answer, or else goes on."""
        self._armed, self._drops = None, drops
        self._go_on.set()

    @property
    def is_quiet(self) -> bool:
        """No exchange is under way, not even one whose sender is dead."""
        return self._under_way == 0

    def _pass_on(self, call: Call) -> Reply:
        with self._counting:
            self._under_way += 1
        try:
            return self._exchange(call)
        finally:
            with self._counting:
                self._under_way -= 1

    def _exchange(self, call: Call) -> Reply:
        if self._is_held(call, "before"):
            self._hold()
            reply = self._ask(call)
        elif self._is_held(call, "after"):
            reply = self._ask(call)
            self._hold()
        else:
            reply = self._ask(call)
        return reply

    def _is_held(self, call: Call, when: When) -> bool:
        is_meant = self._armed is not None and self._armed[0] == call.method and self._armed[2] == when
        return is_meant and urlsplit(call.path).path.endswith(self._armed[1])  # type: ignore[index]

    def _hold(self) -> None:
        self._armed = None
        self.sprung.set()
        assert self._go_on.wait(PATIENCE_S)
        if self._drops:
            raise DroppedError

    def _ask(self, call: Call) -> Reply:
        given = {name.title(): value for name, value in call.headers.items()}
        headers = {name: given[name] for name in PASSED_ON if name in given}
        try:
            answer = self._client.request(call.method, self.upstream + call.path, content=call.body, headers=headers)
        except httpx.TransportError as error:
            raise DroppedError from error
        return Reply(status=answer.status_code, body=answer.content, headers={"Content-Type": "application/json"})
