"""Tools of a server: what was approved beside what it shows now."""

import datetime as dt
from typing import Literal

from msgspec import Struct

from bridge.catalogue.models import McpServer
from bridge.engine.merge import Observed
from bridge.selectors.catalogue import list_pins


class ToolStanding(Struct, frozen=True):
    """quarantined: shown, and not as it was approved, or never approved."""

    name: str
    state: Literal["approved", "quarantined", "not_shown"]
    approved_sha256: str | None
    shown_sha256: str | None
    approved_at: dt.datetime | None
    approved_by: str | None


def is_approved(row: McpServer, tool: str, *, sha256: str) -> bool:
    """While nothing was approved of a server trusted on first use, what it shows may be called."""
    pins = {pin.tool: pin.sha256 for pin in list_pins(row)}
    return pins[tool] == sha256 if tool in pins else row.trusts_first_use and not pins


def list_tools(row: McpServer, seen: Observed | None) -> list[ToolStanding]:
    """By name. While nothing was approved of a server trusted on first use, what it shows may be called."""
    shown = seen.seen_pins if seen else {}
    pins = {pin.tool: pin for pin in list_pins(row)}
    is_first_use = row.trusts_first_use and not pins
    found = []
    for name in sorted(shown.keys() | pins.keys()):
        pin, hash_shown = pins.get(name), shown.get(name)
        is_approved = is_first_use or (pin is not None and pin.sha256 == hash_shown)
        state: Literal["approved", "quarantined", "not_shown"] = "approved" if is_approved else "quarantined"
        found.append(
            ToolStanding(
                name,
                state if hash_shown else ("approved" if pin and seen is None else "not_shown"),
                pin.sha256 if pin else None,
                hash_shown,
                pin.approved_at if pin else None,
                pin.approved_by if pin else None,
            )
        )
    return found
