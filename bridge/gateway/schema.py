"""Arguments of tools against their input schemas: compiled once, checked in microseconds, bounded whatever is written.

A schema comes from a server that nobody trusts. It fetches nothing, its patterns run in linear time (those that look
around: with a limit on backtracking), and the work it can make of a value is bounded before it is compiled
(`bridge.engine.schema_cost`). One that passes a bound is not applied; who runs the gateway sees which and why.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any
from uuid import UUID

import jsonschema_rs
import msgspec
from jsonschema_rs import FancyRegexOptions, RegexOptions
from msgspec import Struct

from bridge.engine.canonical import digest, read_once
from bridge.engine.schema_cost import Cost, check_cost
from bridge.gateway.limits import count_values
from bridge.gateway.refusal import INVALID_PARAMS, Refusal

MAX_SCHEMA_BYTES = 128 * 1024
MAX_KNOWN = 2_000  # compiled schemas, beside those in use
MAX_TENANTS = 500  # of a server that shows each tenant its own; of others the arguments are not checked until it lists
MAX_WORK = 5_000_000  # parts of the arguments times subschemas: a tenth of a second, at worst some
MAX_MATCHED_BYTES = 64 << 20  # of the arguments times patterns
MAX_TOLD = 3_000  # of them for which all that is wrong is listed
MAX_ERRORS = 10
MAX_WORDS = 200
PATTERN_BYTES = 256 * 1024  # of a compiled pattern
LINEAR = RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
BACKTRACKING = FancyRegexOptions(backtrack_limit=1_000, size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES)
NO_ARGUMENTS = b"{}"


class Compiled(Struct, frozen=True):
    """`validator` None: the schema is not applied, `fault` says why."""

    validator: Any
    cost: Cost
    fault: str | None


class ArgumentFault(Struct, frozen=True):
    """`pointer`: JSON pointer (RFC 6901) within the arguments."""

    pointer: str
    code: str  # the keyword of JSON Schema
    detail: str


class Schemas:
    """Compiled schemas by server and tool. `tenant`: where each has a connection of its own, it has its own tools."""

    def __init__(self) -> None:
        self._tools: dict[str, dict[UUID | None, dict[str, Compiled]]] = {}
        self._known: dict[str, Compiled] = {}  # by SHA-256, the one used longest ago first
        self.refused = 0

    def learn(self, server: str, schemas: Mapping[str, bytes], *, tenant: UUID | None = None) -> None:
        """The schemas of all tools the server has now. Those that are known are not compiled again."""
        by_tenant = self._tools.setdefault(server, {})
        by_tenant.pop(tenant, None)
        while len(by_tenant) >= MAX_TENANTS:
            del by_tenant[next(iter(by_tenant))]
        by_tenant[tenant] = {tool: self._compile(schema) for tool, schema in schemas.items()}

    def forget(self, server: str) -> None:
        """One that left the catalogue."""
        self._tools.pop(server, None)

    def faults(self, server: str) -> dict[str, str]:
        """Tools whose schema is not applied, and why."""
        tools = (item for own in self._tools.get(server, {}).values() for item in own.items())
        return {tool: compiled.fault for tool, compiled in tools if compiled.fault is not None}

    def check(self, server: str, tool: str, *, arguments: bytes, tenant: UUID | None = None) -> bytes:
        """The arguments in one spelling, for their hash and the cache. Raises Refusal -32602 for those that do not fit,
        with the faults in `data`, and for those that could be read in two ways.
        """
        try:
            value, canonical = read_once(arguments)
        except (ValueError, RecursionError) as error:
            self.refused += 1
            raise refuse([ArgumentFault("", "json", str(error)[:MAX_WORDS])]) from None
        compiled = self._find(server, tool, tenant=tenant)
        if type(value) is dict and (compiled is None or fits(compiled, value, text=canonical)):
            return canonical
        faults = [] if compiled is None or compiled.validator is None else find_faults(compiled, value, text=canonical)
        if not isinstance(value, dict):
            faults = [ArgumentFault("", "type", "arguments are a JSON object")]
        if faults:
            self.refused += 1
            raise refuse(faults)
        return canonical

    def _find(self, server: str, tool: str, *, tenant: UUID | None) -> Compiled | None:
        by_tenant = self._tools.get(server)
        own = by_tenant.get(tenant) if by_tenant is not None else None
        return own.get(tool) if own is not None else None

    def _compile(self, schema: bytes) -> Compiled:
        sha256 = digest(schema)
        known = self._known.pop(sha256, None) or compile_schema(schema)
        while len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[sha256] = known
        return known


def compile_schema(raw: bytes) -> Compiled:
    """Draft 2020-12, or what `$schema` says."""
    try:
        if len(raw) > MAX_SCHEMA_BYTES:
            raise ValueError(f"it is longer than {MAX_SCHEMA_BYTES} bytes")  # noqa: TRY301 - one end for all faults
        schema = msgspec.json.decode(raw)
        cost = check_cost(schema)
        return Compiled(make_validator(schema), cost, None)
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
        return Compiled(None, Cost(0, 0, has_branches=False), str(error).partition("\n")[0][:MAX_WORDS])


def make_validator(schema: Any) -> Any:
    """Raises ValueError. Nothing is fetched: a reference to another document is a fault."""
    try:
        return jsonschema_rs.validator_for(schema, offline=True, pattern_options=LINEAR)
    except ValueError:
        return jsonschema_rs.validator_for(schema, offline=True, pattern_options=BACKTRACKING)


def fits(compiled: Compiled, value: Any, *, text: bytes) -> bool:
    """Whether that is plain: of small arguments, which are almost all."""
    if compiled.validator is None:
        return True
    cost, length = compiled.cost, len(text)
    is_small = cost.subschemas * length <= MAX_WORK and cost.patterns * length <= MAX_MATCHED_BYTES
    return is_small and bool(compiled.validator.is_valid(value))


def find_faults(compiled: Compiled, value: Any, *, text: bytes) -> list[ArgumentFault]:
    """Whether it fits is found in some nanoseconds for each part and subschema; to tell where it does not takes
    microseconds for each, so of large arguments the first fault alone is told, or none where branches multiply them.
    """
    most = compiled.cost.subschemas * len(text)
    is_large = most > MAX_WORK and compiled.cost.subschemas * count_values(text) > MAX_WORK
    if is_large or compiled.cost.patterns * len(text) > MAX_MATCHED_BYTES:
        return [ArgumentFault("", "size", "too large to be held against the tool's schema")]
    if compiled.validator.is_valid(value):
        return []
    if compiled.cost.subschemas * count_values(text) <= MAX_TOLD:
        return [tell_fault(error) for error in islice(compiled.validator.iter_errors(value), MAX_ERRORS)]
    if compiled.cost.has_branches:
        return [ArgumentFault("", "schema", "too large to say where")]
    return [find_first(compiled.validator, value)]


def find_first(validator: Any, value: Any) -> ArgumentFault:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return tell_fault(error)
    return ArgumentFault("", "schema", "unknown")  # `is_valid` said otherwise


def tell_fault(error: jsonschema_rs.ValidationError) -> ArgumentFault:
    return ArgumentFault(point(error.instance_path), error.kind.name, error.message[:MAX_WORDS])


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
