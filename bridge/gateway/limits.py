"""How much and how large: rates by tenant, and the shape of what is sent."""

import time
from collections.abc import Callable

from bridge.gateway.door.caller import Caller
from bridge.gateway.refusal import INVALID_REQUEST, Refusal

MAX_DEPTH = 64
MAX_BATCH = 100
Header = tuple[bytes, bytes]


class Rates:
    """Token buckets: so many calls a minute of each tenant, and of each tenant to one server."""

    def __init__(self, scale: float = 1.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._scale, self._clock = scale, clock

    def take(self, caller: Caller, server: str, *, cost: float = 1.0) -> tuple[Header, ...]:
        """The RateLimit headers of an allowed call. Raises Refusal 429."""
        return ()


def check_size(size: int, *, max_bytes: int) -> None:
    """Raises Refusal 413."""
    if size > max_bytes:
        raise Refusal("body-too-large", f"The body is longer than {max_bytes} bytes.", status=413, code=INVALID_REQUEST)


def check_shape(body: bytes) -> None:
    """Raises Refusal for a JSON text that is nested too deep."""


def check_batch(length: int) -> None:
    """Raises Refusal for an array of calls that is empty or too long."""
    if not 1 <= length <= MAX_BATCH:
        raise Refusal("invalid-body", f"Send 1 to {MAX_BATCH} calls at once.", status=400, code=INVALID_REQUEST)
