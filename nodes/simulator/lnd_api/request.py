"""What a caller sent, read with the rules of LND's REST proxy (grpc-gateway and protobuf's JSON mapping)."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from nodes.simulator.lnd_api.error import Code, LndError

_Body = TypeVar("_Body", bound=msgspec.Struct)

# Go's strconv.ParseBool
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}


@dataclass(frozen=True, kw_only=True)
class Request:
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def read_flag(self, name: str) -> bool:
        value = self.query.get(name, "false")
        if value not in _TRUE | _FALSE:
            raise LndError(
                Code.INVALID_ARGUMENT, f'parsing field "{name}": strconv.ParseBool: parsing "{value}": invalid syntax'
            )
        return value in _TRUE

    def read_query_int(self, name: str, default: int) -> int:
        """32 bits, signed."""
        text = self.query.get(name, str(default))
        if not (text.removeprefix("-").isdecimal() and text.isascii() and abs(int(text)) < 2**31):
            raise LndError(
                Code.INVALID_ARGUMENT, f'parsing field "{name}": strconv.ParseInt: parsing "{text}": invalid syntax'
            )
        return int(text)

    def read_base64(self, name: str) -> bytes:
        """Standard or URL alphabet; empty when absent."""
        text = self.query.get(name, "").translate(str.maketrans("-_ ", "+/+"))
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise LndError(Code.INVALID_ARGUMENT, f'parsing field "{name}": illegal base64 data: {error}') from error

    def read_path_uint64(self, name: str) -> int:
        text = self.path[name]
        if not (text.isascii() and text.isdecimal() and int(text) < 2**64):
            raise LndError(
                Code.INVALID_ARGUMENT,
                f'type mismatch, parameter: {name}, error: strconv.ParseUint: parsing "{text}": invalid syntax',
            )
        return int(text)

    def read_body(self, shape: type[_Body]) -> _Body:
        """Strict as protobuf: an unknown field or a value out of range is refused, a null field counts as absent,
        numbers may be strings, names may be camelCase; no body at all is an empty message."""
        try:
            document = msgspec.json.decode(self.body) if self.body.strip() else {}
            return msgspec.convert(_to_proto_names(document), shape, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LndError(Code.INVALID_ARGUMENT, f"proto: syntax error: {error}") from error


def _to_proto_names(document: object) -> object:
    if not isinstance(document, dict):
        return document
    return {
        re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", name): _to_proto_names(value)
        for name, value in document.items()
        if value is not None
    }
