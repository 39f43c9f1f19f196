"""JSON into msgspec structs, strictly: every fault is a problem that points at its field (RFC 6901)."""

import ast
import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from mcp_saas.api.allowed import find_allowed
from mcp_saas.kit.errors import Problem, refuse_field
from mcp_saas.kit.text import describe_pattern

T = TypeVar("T")
_MOST_EXPLAINED_BYTES = 65_536  # Python objects of any shape take twenty times the memory of their text
_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")
_KEY_PATH = re.compile(r" - at `key` in `(?P<path>[^`]+)`$")  # of an object with names of its own
_PATTERN = re.compile(r"^Expected `str` matching regex (?P<quoted>['\"].+['\"])$", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<name>.+)`$", re.DOTALL)
_MISSING_FIELD = re.compile(r"missing required field `(?P<name>[^`]+)`")
_WRONG_WORD = "Invalid enum value"
_OWN_FIELD = re.compile(r"^(?P<name>[a-z0-9_/]+): (?P<rest>.+)$", re.DOTALL)


def decode_json(raw: bytes, shape: type[T]) -> T:
    """The value of `shape` that `raw` says. Raises Problem 400."""
    try:
        value = msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise _point_at_field(str(error), shape) from None
    except RecursionError:
        raise refuse_field("", "the JSON is nested too deeply", code="too-deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _explain_malformed(raw, shape, error=error) from None
    _refuse_repeated_names(raw)
    return value


def _explain_malformed(raw: bytes, shape: type, *, error: Exception) -> Problem:
    """NaN and Infinity are no JSON, but Python reads them as numbers: so the field they stand in can be named."""
    if len(raw) <= _MOST_EXPLAINED_BYTES and (b"NaN" in raw or b"Infinity" in raw):
        try:
            msgspec.convert(json.loads(raw), shape)
        except msgspec.ValidationError as fault:
            return _point_at_field(str(fault), shape)
        except (ValueError, RecursionError):
            pass  # something else is wrong as well: `error` says it
    return refuse_field("", f"this is not JSON: {error}", code="malformed")


@dataclass(frozen=True, slots=True)
class _Repeat:
    """Stands for an object that says `name` twice."""

    name: str


def _refuse_repeated_names(raw: bytes) -> None:
    """msgspec takes the last of two fields of one name; who reads the first would have read something else."""
    repeats: list[_Repeat] = []

    def keep_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Repeat:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        names = [name for name, _ in pairs]
        repeats.append(_Repeat(next(name for name in names if names.count(name) > 1)))
        return repeats[-1]

    document = json.loads(raw, object_pairs_hook=keep_unique)
    if repeats:
        pointer = _find_repeat(document, "")
        raise refuse_field(pointer or "", "the field is given twice", code="duplicate")


def _find_repeat(value: object, pointer: str) -> str | None:
    children: list[tuple[Any, Any]] = []
    if isinstance(value, _Repeat):
        return f"{pointer}/{_escape(value.name)}"
    if isinstance(value, dict):
        children = list(value.items())
    if isinstance(value, list):
        children = list(enumerate(value))
    found = (_find_repeat(child, f"{pointer}/{_escape(str(key))}") for key, child in children)
    return next((place for place in found if place is not None), None)


def _point_at_field(message: str, shape: type) -> Problem:
    """msgspec's words (`Expected `int >= 0` - at `$.channels[3].capacity_sat``) as a pointer and a detail."""
    message = _KEY_PATH.sub(r" (a key) - at `\g<path>`", message)
    where = _PATH.search(message)
    detail = _PATH.sub("", message)
    pointer = _as_pointer(where["path"]) if where else ""
    code = "invalid"
    if match := _UNKNOWN_FIELD.search(detail):
        pointer, code = f"{pointer}/{_escape(match['name'])}", "unknown-field"
    elif match := _MISSING_FIELD.search(detail):
        pointer, code = f"{pointer}/{match['name']}", "missing"
    elif match := _OWN_FIELD.match(detail):  # raised by our own __post_init__: "field: words"
        pointer, detail = f"{pointer}/{match['name']}", match["rest"]
    elif detail.startswith(_WRONG_WORD) and (allowed := find_allowed(shape, pointer)):
        detail = f"{detail}: it is one of {', '.join(allowed)}"
    elif match := _PATTERN.match(detail.removesuffix(" (a key)")):
        words = describe_pattern(ast.literal_eval(match["quoted"]))
        of_key = " as a key" if detail.endswith(" (a key)") else ""
        detail = f"Expected {words}{of_key}" if words else detail
    return refuse_field(pointer, detail, code=code)


def _as_pointer(path: str) -> str:
    return re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", path.removeprefix("$")).replace(".", "/").replace("//", "/")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
