"""Headers that say what a body says (2026-07-28): Mcp-Method, Mcp-Name, and arguments a tool's schema names."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TYPES = {"string", "integer", "boolean"}
ANNOTATION = "x-mcp-header"
Path = tuple[str, ...]


def encode_value(text: str) -> str:
    """As it is when a header can carry it, otherwise in base64 between marks."""
    if _PLAIN.fullmatch(text) and not _SENTINEL.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def find_annotations(schema: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Each property with `x-mcp-header` that is reached through `properties` alone, and the header's name."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return
    for name, inner in properties.items():
        if not isinstance(inner, dict):
            continue
        token = inner.get(ANNOTATION)
        if isinstance(token, str) and _TOKEN.fullmatch(token) and inner.get("type") in _TYPES:
            yield (*path, name), token
        yield from find_annotations(inner, (*path, name))


class Mirror:
    """What the tools of one server want to see in headers, learned from its list of tools."""

    def __init__(self) -> None:
        self._tools: dict[str, list[tuple[Path, str]]] = {}

    def learn(self, tools_list: bytes) -> None:
        """`tools_list`: a result of tools/list."""
        if ANNOTATION.encode() not in tools_list and not self._tools:
            return
        for tool in msgspec.json.decode(tools_list).get("tools", ()):
            self._tools[tool["name"]] = list(find_annotations(tool.get("inputSchema")))

    def make_headers(self, method: str, params: bytes, *, name: str | None) -> dict[str, str]:
        headers = {"Mcp-Method": method}
        if name is not None:
            headers["Mcp-Name"] = encode_value(name)
        if method == "tools/call" and (wanted := self._tools.get(name or "")):
            arguments = msgspec.json.decode(params).get("arguments")
            for path, token in wanted:
                text = render(find_value(arguments, path))
                if text is not None:
                    headers[f"Mcp-Param-{token}"] = encode_value(text)
        return headers


def find_value(arguments: Any, path: Path) -> Any:
    for name in path:
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def render(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
