"""Headers that say what a body says (2026-07-28): Mcp-Method, Mcp-Name, and arguments a tool's schema names."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from bridge.engine import envelope

_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TYPES = {"string", "integer", "boolean"}
ANNOTATION = "x-mcp-header"
# Of JSON Schema: what holds schemas by name, and what holds data.
_MAPS = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
_DATA = {"default", "examples", "const", "enum", "required", "type", "title", "description"}
Path = tuple[str, ...]


class _Tools(Struct, frozen=True):
    tools: tuple[Raw, ...] = ()


_read_tools = msgspec.json.Decoder(_Tools).decode


def encode_value(text: str) -> str:
    """As it is when a header can carry it, otherwise in base64 between marks."""
    if _PLAIN.fullmatch(text) and not _SENTINEL.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


class WrongAnnotationError(Exception):
    """A tool whose schema asks for headers in a way the protocol does not allow."""


def find_annotations(schema: Any) -> dict[Path, str]:
    """Each property with `x-mcp-header`, and the header's name. Raises WrongAnnotationError for one that is not reached
    through `properties` alone, is no text, integer or boolean, or whose header has no name or another's.
    """
    found: dict[Path, str] = {}
    for path, inner in walk(schema, ()):
        token = inner[ANNOTATION]
        if not path or not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise WrongAnnotationError(str(token)[:80])
        kind = inner.get("type")
        is_twice = token.lower() in map(str.lower, found.values())
        if not isinstance(kind, str) or kind not in _TYPES or is_twice:
            raise WrongAnnotationError(token)
        found[path] = token
    return found


def walk(node: Any, path: Path | None) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """Every schema with an annotation; its path, or None where it is not a property of a property ... of the whole."""
    if isinstance(node, list):
        for inner in node:
            yield from walk(inner, None)
    if not isinstance(node, dict):
        return
    if ANNOTATION in node:
        yield path, node
    for key, inner in node.items():
        yield from walk_keyword(key, inner, path=path)


def walk_keyword(key: str, inner: Any, *, path: Path | None) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """What is data and no schema is not looked into."""
    if key in _DATA:
        return
    if key not in _MAPS or not isinstance(inner, dict):
        yield from walk(inner, None)
        return
    for name, one in inner.items():
        yield from walk(one, (*path, name) if key == "properties" and path is not None else None)


class Mirror:
    """What the tools of one server want to see in headers, learned from its list of tools."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._tools: dict[str, dict[Path, str]] = {}
        self._log = log

    def learn(self, tools_list: bytes) -> bytes:
        """`tools_list`: a result of tools/list. Without the tools that ask for headers as they must not."""
        if ANNOTATION.encode() not in tools_list and not self._tools:
            return tools_list
        tools = [bytes(tool) for tool in _read_tools(tools_list).tools]
        kept = [tool for tool in tools if self._take(tool)]
        if len(kept) == len(tools):
            return tools_list
        return envelope.put_member(tools_list, name="tools", value=b"[%b]" % b",".join(kept))

    def _take(self, raw: bytes) -> bool:
        tool = msgspec.json.decode(raw)
        name = str(tool.get("name"))
        try:
            self._tools[name] = find_annotations(tool.get("inputSchema"))
        except WrongAnnotationError as error:
            self._log(f"the tool {name[:80]} is left out: its {ANNOTATION} is wrong: {error}")
            return False
        return True

    def make_headers(self, method: str, params: bytes, *, name: str | None) -> dict[str, str]:
        headers = {"Mcp-Method": method}
        if name is not None:
            headers["Mcp-Name"] = encode_value(name)
        if method == "tools/call" and (wanted := self._tools.get(name or "")):
            arguments = msgspec.json.decode(params).get("arguments")
            for path, token in wanted.items():
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
