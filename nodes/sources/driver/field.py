"""A node's JSON read strictly, and nothing guessed. LND writes 64-bit numbers as text, Core Lightning as numbers."""

from collections.abc import Mapping
from typing import TypeAlias

from nodes.sources.driver.errors import Fault, NodeError

Fields: TypeAlias = Mapping[str, object]

MIN_INT32 = -(2**31)
MAX_UINT32 = 2**32 - 1
MAX_UINT64 = 2**64 - 1
MAX_UINT64_DIGITS = 20


def read_text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise wrong_field(name, "text")
    return value


def read_flag(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise wrong_field(name, "true or false")
    return value


def read_int32(fields: Fields, name: str, *, default: int | None = None) -> int:
    """Signed or unsigned. `default` stands in for a field that an older LND does not have."""
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not MIN_INT32 <= value <= MAX_UINT32:
        raise wrong_field(name, "a 32-bit number")
    return value


def read_integer(fields: Fields, name: str) -> int:
    """0 up to 64 bits, a JSON number."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_UINT64:
        raise wrong_field(name, "a whole number")
    return value


def read_uint64(fields: Fields, name: str) -> int:
    """As text. Also for what LND declares as int64: no amount, time or index it reports is negative."""
    text = fields.get(name)
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > MAX_UINT64_DIGITS:
        raise wrong_field(name, "a 64-bit number in quotes")
    if (number := int(text)) > MAX_UINT64:
        raise wrong_field(name, "a 64-bit number in quotes")
    return number


def read_optional_uint64(fields: Fields, name: str) -> int | None:
    return None if fields.get(name) is None else read_uint64(fields, name)


def read_objects(fields: Fields, name: str) -> list[Fields]:
    """A list that is absent is an error: taking it for empty would report a node without channels."""
    values = fields.get(name)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise wrong_field(name, "a list of objects")
    return values


def wrong_field(name: str, expected: str) -> NodeError:
    return NodeError(f"the node's answer is not as its API says: `{name}` is not {expected}", fault=Fault.GARBLED)
