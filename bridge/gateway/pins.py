"""Tools are what they were approved to be: a changed one is set apart until an operator has read it."""

from collections.abc import Sequence

from bridge.engine.pin import pin_tool
from bridge.engine.server import Server
from bridge.engine.tool import Tool
from bridge.gateway.refusal import CODES, Refusal


class Pins:
    """What each server shows, beside what was approved of it."""

    def __init__(self) -> None:
        self._trusted: dict[str, dict[str, str]] = {}  # on first use
        self._seen: dict[str, dict[str, str]] = {}
        self._quarantined: dict[str, frozenset[str]] = {}

    def learn(self, server: Server, tools: Sequence[Tool]) -> tuple[Tool, ...]:
        """The tools that may be shown and called."""
        seen = {tool.name: pin_tool(tool.raw) for tool in tools}
        approved = (
            {pin.tool: pin.sha256 for pin in server.pins}
            if server.pins is not None
            else self._trusted.setdefault(server.name, dict(seen))
        )
        self._seen[server.name] = seen
        quarantined = frozenset(name for name, pin in seen.items() if approved.get(name) != pin)
        self._quarantined[server.name] = quarantined
        return tuple(tool for tool in tools if tool.name not in quarantined)

    def check(self, server: str, tool: str) -> None:
        """Raises Refusal for a tool in quarantine."""
        if tool in self._quarantined.get(server, ()):
            raise Refusal(
                "quarantined",
                f"{tool} is not what was approved: an operator must look at it first.",
                status=403,
                code=CODES["quarantined"],
            )

    def quarantined(self, server: str) -> tuple[str, ...]:
        return tuple(sorted(self._quarantined.get(server, ())))

    def seen(self, server: str) -> dict[str, str]:
        return self._seen.get(server, {})

    def forget(self, server: str) -> None:
        self._seen.pop(server, None)
        self._quarantined.pop(server, None)
        self._trusted.pop(server, None)
