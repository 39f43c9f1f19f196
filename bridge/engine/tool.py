"""A tool as its server lists it: the few members the gateway looks at, and the bytes it hands on."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct


class Annotations(Struct, frozen=True, rename="camel"):
    """Hints of the server; nothing but hints (2026-07-28, "tools")."""

    read_only_hint: bool | None = None
    idempotent_hint: bool | None = None
    destructive_hint: bool | None = None


class Tool(Struct, frozen=True):
    """`raw`: the tool's whole JSON object as the server wrote it. `schema`: its inputSchema, b"{}" without."""

    name: str
    raw: bytes
    schema: bytes
    is_read_only: bool
    is_idempotent: bool


class _Listed(Struct, rename="camel"):
    name: str
    input_schema: Raw = Raw(b"{}")
    annotations: Annotations | None = None


_read_listed = msgspec.json.Decoder(_Listed).decode


def read_tool(raw: bytes) -> Tool:
    """Raises msgspec.ValidationError or DecodeError for what is no tool."""
    listed = _read_listed(raw)
    hints = listed.annotations or Annotations()
    is_read_only = hints.read_only_hint is True
    return Tool(
        listed.name,
        raw,
        bytes(listed.input_schema),
        is_read_only,
        is_read_only or hints.idempotent_hint is True,
    )


def read_tools(raws: Sequence[Raw]) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The tools, and what is wrong with those that are none."""
    tools: list[Tool] = []
    faults: list[str] = []
    for raw in raws:
        try:
            tools.append(read_tool(bytes(raw)))
        except msgspec.DecodeError as error:
            faults.append(str(error))
    return tuple(tools), tuple(faults)
