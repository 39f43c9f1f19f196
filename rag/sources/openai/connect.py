"""A connection to OpenAI, or to a server that speaks its protocol, which ends when its time is over."""

import ssl
import time
from collections.abc import Callable
from typing import Any, cast

import httpcore2
import httpx2
from msgspec import Struct
from openai import OpenAI

from mcp_saas.kit.deadline import DeadlineBackend, Timeouts

TIMEOUTS = Timeouts(httpcore2.ConnectTimeout, httpcore2.ReadTimeout, httpcore2.WriteTimeout)


class ModelAccess(Struct, frozen=True, kw_only=True):
    """Where a model is and what opens it. `timeout_s` between two bytes, `budget_s` for everything together."""

    api_key: str
    base_url: str
    model: str
    timeout_s: float
    budget_s: float

    def __repr__(self) -> str:
        return f"<ModelAccess {self.base_url} {self.model}>"


class DeadlineTransport(httpx2.HTTPTransport):
    """httpx2's transport over connections that end with the budget. It knows no proxies and no environment."""

    def __init__(self, budget_s: float, clock: Callable[[], float]) -> None:
        tls = ssl.create_default_context()
        super().__init__(verify=tls, trust_env=False)
        backend = DeadlineBackend(cast("Any", httpcore2.SyncBackend()), budget_s, clock=clock, timeouts=TIMEOUTS)
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, network_backend=cast("Any", backend))


def connect(access: ModelAccess, *, clock: Callable[[], float] = time.monotonic) -> OpenAI:
    """A client for one call of ours. Whoever uses it closes it. It tries nothing twice by itself: it would wait for as
    long as the other side says.
    """
    transport = DeadlineTransport(access.budget_s, clock)
    return OpenAI(
        api_key=access.api_key,
        base_url=access.base_url,
        timeout=access.timeout_s,
        max_retries=0,
        http_client=httpx2.Client(transport=transport, trust_env=False, timeout=access.timeout_s),
    )
