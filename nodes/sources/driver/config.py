"""How to reach a node, and how to know that it is the right one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal

import httpx

from nodes.sources.driver.retry import Patience

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
Connect = Callable[[SSLContext], httpx.BaseTransport]


@dataclass(frozen=True, kw_only=True)
class DriverConfig:
    """`certificate`: PEM, or "sha256:" and 64 hex digits (colons between them allowed): the node's own certificate,
    beside which no other is taken. None: one of the public authorities for the address's host name.
    """

    implementation: Literal["lnd", "cln"]
    url: str  # base URL of the node's REST interface
    place: str | None = None  # what messages call the address; None: by its name
    secret: str = field(repr=False)  # macaroon in hex or base64, or rune
    certificate: str | None = None
    certificate_hint: str = "is the certificate given for it the present one?"  # for the owner, when it is not
    pubkey: str | None = None  # whom we expect; None: anybody, as at the claim
    user_agent: str = "dazbox"
    timeout: httpx.Timeout = field(default_factory=lambda: httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S))
    patience: Patience = field(default_factory=Patience)
    connect: Connect | None = None  # the way out, where not every address may be connected to
