"""A connection to OpenAI, or to a server that speaks its protocol, which ends when its time is over."""

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpcore2
import httpx2
from msgspec import Struct
from openai import OpenAI

from mcp_saas.kit.deadline import DeadlineBackend, Timeouts

TIMEOUTS = Timeouts(httpcore2.ConnectTimeout, httpcore2.ReadTimeout, httpcore2.WriteTimeout)
MAX_ANSWER_BYTES = 1_000_000  # a hundred times what we ask for


class ModelAccess(Struct, frozen=True, kw_only=True):
    """Where a model is and what opens it. `timeout_s` between two bytes, `budget_s` for everything together."""

    api_key: str
    base_url: str
    model: str
    timeout_s: float
    budget_s: float

    def __repr__(self) -> str:
        return f"<ModelAccess {self.base_url} {self.model}>"


class TooLargeError(Exception):
    """The answer is larger than any of the protocol, or is packed, so that nobody can tell."""


class BoundedStream(httpx2.SyncByteStream):
    """Raises TooLargeError beyond so many bytes."""

    def __init__(self, stream: httpx2.SyncByteStream, max_bytes: int) -> None:
        self._stream, self._max_bytes = stream, max_bytes

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        for piece in self._stream:
            count += len(piece)
            if count > self._max_bytes:
                raise TooLargeError
            yield piece

    def close(self) -> None:
        self._stream.close()


class DeadlineTransport(httpx2.HTTPTransport):
    """httpx2's transport over connections that end with the budget, for answers of so many bytes. It knows no proxies
    and no environment.
    """

    def __init__(self, budget_s: float, clock: Callable[[], float], *, max_bytes: int) -> None:
        tls = ssl.create_default_context()
        super().__init__(verify=tls, trust_env=False)
        backend = DeadlineBackend(cast("Any", httpcore2.SyncBackend()), budget_s, clock=clock, timeouts=TIMEOUTS)
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, network_backend=cast("Any", backend))
        self._max_bytes = max_bytes

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Asks for an answer that is not packed. Raises TooLargeError, also while it is read."""
        request.headers["accept-encoding"] = "identity"
        response = super().handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise TooLargeError
        response.stream = BoundedStream(cast("httpx2.SyncByteStream", response.stream), self._max_bytes)
        return response


def connect(
    access: ModelAccess, *, max_bytes: int = MAX_ANSWER_BYTES, clock: Callable[[], float] = time.monotonic
) -> OpenAI:
    """A client for one call of ours. Whoever uses it closes it. It tries nothing twice by itself: it would wait for as
    long as the other side says.
    """
    transport = DeadlineTransport(access.budget_s, clock, max_bytes=max_bytes)
    return OpenAI(
        api_key=access.api_key,
        base_url=access.base_url,
        timeout=access.timeout_s,
        max_retries=0,
        http_client=httpx2.Client(transport=transport, trust_env=False, timeout=access.timeout_s),
    )
