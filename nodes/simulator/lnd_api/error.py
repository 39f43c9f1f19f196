"""Refusals as LND's REST proxy words them: a gRPC code, the HTTP status that goes with it, and a message."""

from enum import IntEnum


class Code(IntEnum):
    """The gRPC codes LND uses here. Most refusals are plain Go errors: UNKNOWN, and so HTTP 500."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12


HTTP_STATUS = {
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.NOT_FOUND: 404,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
}


class LndError(Exception):
    """What LND answers instead of a result."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.code]

    def to_json(self) -> dict[str, object]:
        return {"code": int(self.code), "message": self.message, "details": []}
