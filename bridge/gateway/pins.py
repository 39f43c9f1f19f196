"""Tools are what they were approved to be: a changed one is set apart until an operator has read it (tool poisoning).

Where the catalogue names pins, they decide. Where it names none, what a server shows first is trusted (trust on first
use): of each tool by itself, so that a new tool is shown and a changed one is not. The control plane keeps what was
seen (`ServerSeen.seen_pins`) and makes pins of it, so that a restarted gateway trusts no change.
"""

from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from msgspec import Struct

from bridge.engine.pin import pin_tool
from bridge.engine.server import Server
from bridge.engine.tool import Tool
from bridge.gateway.refusal import CODES, Refusal

UNREADABLE = "unreadable"  # the pin of a tool that can be read in two ways: nobody can approve it
MAX_TRUSTED = 2_000  # tools of one server: one that shows new names for ever fills no memory
MAX_TENANTS = 500  # of a server that shows each tenant its own; the one seen longest ago is learned anew


class Shown(Struct, frozen=True):
    """What a server shows, to all or to one tenant. `trusted`: what was seen first of each tool."""

    seen: dict[str, str]
    apart: frozenset[str]
    trusted: dict[str, str]


class Pins:
    """What each server shows, beside what was approved of it. `tenant`: where each has a connection of its own, what
    one is shown sets nothing apart for another.
    """

    def __init__(self) -> None:
        self._shown: dict[str, dict[UUID | None, Shown]] = {}

    def learn(self, server: Server, tools: Sequence[Tool], *, tenant: UUID | None = None) -> tuple[Tool, ...]:
        """The tools that may be shown and called, in their order. All of the server's, whenever they may have changed
        (also when its entry in the catalogue did: an operator may have approved what was set apart).
        """
        by_tenant = self._shown.setdefault(server.name, {})
        before = by_tenant.pop(tenant, None)
        seen, twice = pin_all(tools)
        trusted = {} if server.pins is not None else trust_first(seen, before.trusted if before else {})
        approved = trusted if server.pins is None else {pin.tool: pin.sha256 for pin in server.pins}
        apart = frozenset(
            name for name, pin in seen.items() if name in twice or pin == UNREADABLE or approved.get(name) != pin
        )
        while len(by_tenant) >= MAX_TENANTS:
            del by_tenant[next(iter(by_tenant))]
        by_tenant[tenant] = Shown(seen, apart, trusted)
        return tuple(tool for tool in tools if tool.name not in apart)

    def check(self, server: str, tool: str, *, tenant: UUID | None = None) -> None:
        """Raises Refusal for a tool in quarantine."""
        by_tenant = self._shown.get(server)
        shown = by_tenant.get(tenant) if by_tenant is not None else None
        if shown is not None and tool in shown.apart:
            raise Refusal(
                "quarantined",
                f"{tool} is not what was approved of {server}: an operator must look at it first.",
                status=403,
                code=CODES["quarantined"],
            )

    def quarantined(self, server: str) -> tuple[str, ...]:
        """Names, in order: whoever they are set apart for."""
        return tuple(sorted(set().union(*(shown.apart for shown in self._shown.get(server, {}).values()))))

    def seen(self, server: str) -> dict[str, str]:
        """By tool, the SHA-256 of what it shows now; where it differs by tenant, of one that is not approved."""
        found: dict[str, str] = {}
        for shown in self._shown.get(server, {}).values():
            for name, pin in shown.seen.items():
                if name not in found or name in shown.apart:
                    found[name] = pin
        return found

    def forget(self, server: str) -> None:
        """One that left the catalogue; trust in it as well."""
        self._shown.pop(server, None)


def trust_first(seen: dict[str, str], trusted: dict[str, str]) -> dict[str, str]:
    """`trusted`, and what is seen of new tools."""
    new = {name: pin for name, pin in seen.items() if name not in trusted and pin != UNREADABLE}
    return trusted | dict(islice(new.items(), max(0, MAX_TRUSTED - len(trusted))))


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
