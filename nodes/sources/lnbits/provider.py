"""LNbits 1.x, on a server of the owner's own: a key in `X-Api-Key`, JSON without an envelope."""

from collections.abc import Mapping
from typing import Final

from nodes.sources.driver.errors import Fault
from nodes.sources.provider.protocol import ProviderName
from nodes.sources.provider.reading import Reading

WALLET_NOT_FOUND: Final = 404  # is what it says to a key it does not know


class LNbits:
    name: ProviderName = "lnbits"
    title = "LNbits"
    address: str | None = None
    is_lax = False

    def show_key(self, secret: str) -> Mapping[str, str]:
        return {"X-Api-Key": secret}

    def find_fault(self, status: int) -> Fault | None:
        return Fault.FORBIDDEN if status == WALLET_NOT_FOUND else None

    def unwrap(self, body: object, reading: Reading) -> object:
        return body


PROVIDER: Final = LNbits()
