"""Arguments of tools against their input schemas: compiled once, checked in microseconds, bounded whatever is written.

A schema comes from a server that nobody trusts. It fetches nothing, its patterns run in linear time (those that look
around: with a limit on backtracking), and the work it can make of a value is bounded before it is compiled
(`bridge.engine.schema_cost`). One that passes a bound is not applied; who runs the gateway sees which and why.
"""

from collections.abc import Collection
from typing import Any

import jsonschema_rs
import msgspec
from jsonschema_rs import FancyRegexOptions, RegexOptions
from msgspec import Struct

from bridge.engine.canonical import digest, read_once
from bridge.engine.schema_cost import check_cost
from bridge.gateway.refusal import INVALID_PARAMS, Refusal

MAX_SCHEMA_BYTES = 128 * 1024
MAX_ERRORS = 10
MAX_WORDS = 200
PATTERN_BYTES = 256 * 1024  # of a compiled pattern
LINEAR = RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
BACKTRACKING = FancyRegexOptions(backtrack_limit=1_000, size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
NO_ARGUMENTS = b"{}"


class Compiled(Struct, frozen=True):
    """`validator` None: the schema is not applied, `fault` says why."""

    sha256: str
    validator: Any
    fault: str | None


class ArgumentFault(Struct, frozen=True):
    """`pointer`: JSON pointer (RFC 6901) within the arguments."""

    pointer: str
    code: str  # the keyword of JSON Schema
    detail: str


class Schemas:
    """Compiled schemas by server and tool."""

    def __init__(self) -> None:
        self._compiled: dict[str, dict[str, Compiled]] = {}
        self.refused = 0

    def learn(self, server: str, tool: str, *, schema: bytes) -> str | None:
        """What is wrong with the schema, if anything: then it is not applied. A known one is not compiled again."""
        tools = self._compiled.setdefault(server, {})
        sha256 = digest(schema)
        known = tools.get(tool)
        if known is None or known.sha256 != sha256:
            known = tools[tool] = compile_schema(schema, sha256)
        return known.fault

    def keep_only(self, server: str, tools: Collection[str]) -> None:
        """Tools that the server no longer has are forgotten."""
        known = self._compiled.get(server, {})
        for tool in known.keys() - set(tools):
            del known[tool]

    def forget(self, server: str) -> None:
        """One that left the catalogue."""
        self._compiled.pop(server, None)

    def faults(self, server: str) -> dict[str, str]:
        """Tools whose schema is not applied, and why."""
        return {tool: one.fault for tool, one in self._compiled.get(server, {}).items() if one.fault is not None}

    def check(self, server: str, tool: str, *, arguments: bytes) -> bytes:
        """The arguments in one spelling, for their hash and the cache. Raises Refusal -32602 for those that do not fit,
        with the faults in `data`, and for those that could be read in two ways.
        """
        try:
            value, canonical = read_once(arguments)
        except (ValueError, RecursionError) as error:
            self.refused += 1
            raise refuse([ArgumentFault("", "json", str(error)[:MAX_WORDS])]) from None
        tools = self._compiled.get(server)
        compiled = tools.get(tool) if tools is not None else None
        if compiled is not None and compiled.validator is not None and not compiled.validator.is_valid(value):
            self.refused += 1
            raise refuse(list_faults(compiled.validator, value))
        if not isinstance(value, dict):
            self.refused += 1
            raise refuse([ArgumentFault("", "type", "arguments are a JSON object")])
        return canonical


def compile_schema(raw: bytes, sha256: str) -> Compiled:
    """Draft 2020-12, or what `$schema` says."""
    try:
        if len(raw) > MAX_SCHEMA_BYTES:
            raise ValueError(f"it is longer than {MAX_SCHEMA_BYTES} bytes")  # noqa: TRY301 - one end for all faults
        schema = msgspec.json.decode(raw)
        check_cost(schema)
        return Compiled(sha256, make_validator(schema), None)
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
        return Compiled(sha256, None, str(error).partition("\n")[0][:MAX_WORDS])


def make_validator(schema: Any) -> Any:
    """Raises ValueError. Nothing is fetched: a reference to another document is a fault."""
    try:
        return jsonschema_rs.validator_for(schema, offline=True, pattern_options=LINEAR)
    except ValueError:
        return jsonschema_rs.validator_for(schema, offline=True, pattern_options=BACKTRACKING)


def list_faults(validator: Any, value: Any) -> list[ArgumentFault]:
    faults = []
    for error in validator.iter_errors(value):
        faults.append(ArgumentFault(point(error.instance_path), error.kind.name, error.message[:MAX_WORDS]))
        if len(faults) == MAX_ERRORS:
            break
    return faults


def point(path: list[str | int]) -> str:
    """JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def refuse(faults: list[ArgumentFault]) -> Refusal:
    words = "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults[:3])
    return Refusal(
        "invalid-arguments",
        f"The arguments do not fit the tool's input schema: {words}",
        status=400,
        code=INVALID_PARAMS,
        data=msgspec.json.encode({"errors": faults}),
    )
