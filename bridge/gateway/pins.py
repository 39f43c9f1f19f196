"""Tools are what they were approved to be: a changed one is set apart until an operator has read it (tool poisoning).

Where the catalogue names pins, they decide. Where it names none, what a server shows first is trusted (trust on first
use): of each tool by itself, so that a new tool is shown and a changed one is not. The control plane keeps what was
seen (`ServerSeen.seen_pins`) and makes pins of it, so that a restarted gateway trusts no change.
"""

from collections.abc import Sequence

from bridge.engine.pin import pin_tool
from bridge.engine.server import Server
from bridge.engine.tool import Tool
from bridge.gateway.refusal import CODES, Refusal

UNREADABLE = "unreadable"  # the pin of a tool that can be read in two ways: nobody can approve it
MAX_TRUSTED = 2_000  # tools of one server: one that shows new names for ever fills no memory


class Pins:
    """What each server shows, beside what was approved of it."""

    def __init__(self) -> None:
        self._trusted: dict[str, dict[str, str]] = {}  # on first use
        self._seen: dict[str, dict[str, str]] = {}
        self._quarantined: dict[str, frozenset[str]] = {}

    def learn(self, server: Server, tools: Sequence[Tool]) -> tuple[Tool, ...]:
        """The tools that may be shown and called, in their order. All of the server's, whenever they may have changed
        (also when its entry in the catalogue did: an operator may have approved what was set apart).
        """
        seen, twice = pin_all(tools)
        self._seen[server.name] = seen
        approved = self._find_approved(server, seen)
        apart = frozenset(
            name for name, pin in seen.items() if name in twice or pin == UNREADABLE or approved.get(name) != pin
        )
        self._quarantined[server.name] = apart
        return tuple(tool for tool in tools if tool.name not in apart)

    def check(self, server: str, tool: str) -> None:
        """Raises Refusal for a tool in quarantine."""
        if tool in self._quarantined.get(server, ()):
            raise Refusal(
                "quarantined",
                f"{tool} is not what was approved of {server}: an operator must look at it first.",
                status=403,
                code=CODES["quarantined"],
            )

    def quarantined(self, server: str) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(sorted(self._quarantined.get(server, ())))

    def seen(self, server: str) -> dict[str, str]:
        """By tool, the SHA-256 of what it shows now."""
        return self._seen.get(server, {})

    def count_quarantined(self) -> int:
        return sum(map(len, self._quarantined.values()))

    def forget(self, server: str) -> None:
        """One that left the catalogue; trust in it as well."""
        for kept in (self._trusted, self._seen, self._quarantined):
            kept.pop(server, None)

    def _find_approved(self, server: Server, seen: dict[str, str]) -> dict[str, str]:
        if server.pins is not None:
            self._trusted.pop(server.name, None)
            return {pin.tool: pin.sha256 for pin in server.pins}
        trusted = self._trusted.setdefault(server.name, {})
        for name, pin in seen.items():
            if name not in trusted and pin != UNREADABLE and len(trusted) < MAX_TRUSTED:
                trusted[name] = pin
        return trusted


def pin_all(tools: Sequence[Tool]) -> tuple[dict[str, str], set[str]]:
    """The pins by name, and the names that are shown more than once (of which a client may take any)."""
    seen: dict[str, str] = {}
    twice: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            twice.add(tool.name)
        try:
            seen[tool.name] = pin_tool(tool.raw)
        except (ValueError, RecursionError):
            seen[tool.name] = UNREADABLE
    return seen, twice
