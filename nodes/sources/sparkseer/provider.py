"""Sparkseer (api.sparkseer.space, "SparkSeer API 1.0.0"): a key in the header `api-key`, JSON without an envelope."""

from collections.abc import Mapping
from typing import Final

from nodes.sources.driver.errors import Fault
from nodes.sources.provider.protocol import ProviderName
from nodes.sources.provider.reading import Reading


class Sparkseer:
    name: ProviderName = "sparkseer"
    title = "Sparkseer"
    address: str | None = "https://api.sparkseer.space"
    is_lax = False

    def show_key(self, secret: str) -> Mapping[str, str]:
        return {"api-key": secret}

    def find_fault(self, status: int) -> Fault | None:
        return None

    def unwrap(self, body: object, reading: Reading) -> object:
        return body


PROVIDER: Final = Sparkseer()
