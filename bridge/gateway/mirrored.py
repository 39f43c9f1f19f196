"""Arguments that a tool's schema wants in headers too (2026-07-28, `x-mcp-header`): both must say the same."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.engine.era import HEADER_MISMATCH
from bridge.gateway.refusal import Refusal
from bridge.sources.http.mirror import ANNOTATION, Path, WrongAnnotationError, find_annotations, find_value, render

_DECIMAL = re.compile(r"-?\d+(\.0+)?")
MARK = ANNOTATION.encode()


def find_mirrored(schema: bytes) -> dict[Path, str]:
    """The headers by the path of their argument; none where the schema asks for them as it must not."""
    if MARK not in schema:
        return {}
    try:
        return find_annotations(msgspec.json.decode(schema))
    except (WrongAnnotationError, msgspec.DecodeError):
        return {}


def check_mirrored(wanted: Mapping[Path, str], headers: Mapping[bytes, bytes], *, arguments: bytes) -> None:
    """Raises Refusal -32020 for a header without its argument, an argument without its header, or two values."""
    values = msgspec.json.decode(arguments)
    for path, token in wanted.items():
        name = f"Mcp-Param-{token}"
        raw = headers.get(name.lower().encode())
        text = render(find_value(values, path))
        told = None if raw is None else decode_header(raw)
        if (raw is None) != (text is None) or (raw is not None and (told is None or not is_same(told, text))):
            words = f"The header {name} does not say what the argument {'.'.join(path)} says."
            raise Refusal("header-mismatch", words, status=400, code=HEADER_MISMATCH)


def is_same(told: str, text: str | None) -> bool:
    """42.0 is 42."""
    if told == text:
        return True
    is_number = text is not None and _DECIMAL.fullmatch(told) and _DECIMAL.fullmatch(text)
    return bool(is_number) and told.partition(".")[0] == str(text).partition(".")[0]


def decode_header(value: bytes) -> str | None:
    """Text that is not plain ASCII stands there as =?base64?...?=; None: it cannot be read."""
    text: Any = value.decode("latin-1")
    if not (text.startswith("=?base64?") and text.endswith("?=")):
        return str(text)
    payload = text[9:-2]
    try:
        decoded = base64.b64decode(payload, validate=True)
        return decoded.decode() if base64.b64encode(decoded).decode() == payload else None
    except (binascii.Error, UnicodeDecodeError):
        return None
