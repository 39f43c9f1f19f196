"""Whose page asks, and for which host: against pages that make a name of theirs mean our address (DNS rebinding)."""

from collections.abc import Collection, Mapping
from typing import Any

Header = tuple[bytes, bytes]


class Origins:
    """Host names the gateway answers to, and origins whose pages may call it."""

    def __init__(self, *, hosts: Collection[str], origins: Collection[str]) -> None:
        self._hosts, self._origins = frozenset(hosts), frozenset(origins)

    def check(self, scope: Mapping[str, Any]) -> tuple[Header, ...]:
        """The CORS headers of the answer. Raises Refusal 421 for a foreign Host, 403 for a foreign Origin."""
        return ()

    def preflight(self, scope: Mapping[str, Any]) -> tuple[Header, ...] | None:
        """The headers that answer a preflight (204); None: it is none. Raises Refusal as `check` does."""
        return None
