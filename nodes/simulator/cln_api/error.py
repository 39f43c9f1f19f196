"""Refusals as clnrest words them: a JSON-RPC code and a message; the HTTP status follows from the code."""

from enum import IntEnum
from http import HTTPStatus


class Code(IntEnum):
    """JSON-RPC's codes and Core Lightning's own."""

    PARSE_ERROR = -32700
    INVALID_PARAMS = -32602
    METHOD_NOT_FOUND = -32601
    LIGHTNINGD = -1  # what has no code of its own
    RUNE_NOT_AUTHORIZED = 1501
    RUNE_NOT_PERMITTED = 1502


class RpcError(Exception):
    """What Core Lightning answers instead of a result."""

    def __init__(self, code: Code, message: str, *, http_status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR) -> None:
        super().__init__(message)
        self.code = code
        self.http_status = http_status

    def to_json(self) -> dict[str, object]:
        return {"code": int(self.code), "message": str(self)}


def refuse_parameter(name: str, wanted: str, *, given: object) -> RpcError:
    return RpcError(Code.INVALID_PARAMS, f"{name}: {wanted}: invalid token '{given}'")
