"""Heads of requests that were read before. A client says the same in each of its requests but for how long the body is,
and what is the same byte by byte means the same: it need not be parsed again.
"""

from typing import Any, NamedTuple

from bridge.gateway.inbound import WIRE

CONTENT_LENGTH = b"content-length"
END = b"\r\n\r\n"
MOST_DIGITS = 9
MOST_BYTES = 8192
# Who says one of these begins more than a request and its answer.
ODD = (b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:", b"\r\nconnection:", b"\r\ntrailer:")


class Head(NamedTuple):
    """`before` ends where the digits of the length begin, `after` begins behind them and ends the head. `place`: of the
    length among the headers.
    """

    before: bytes
    after: bytes
    scope: dict[str, Any]
    headers: tuple[tuple[bytes, bytes], ...]
    names: dict[bytes, bytes]
    place: int

    def find_body(self, data: bytes) -> bytes | None:
        """Of a request that is this head with another length, its body, and nothing behind; None: it is another."""
        if not data.startswith(self.before):
            return None
        begin = len(self.before)
        end = data.find(b"\r", begin, begin + MOST_DIGITS + 1)
        if end < 0 or not data.startswith(self.after, end):
            return None
        digits, body_begin = data[begin:end], end + len(self.after)
        return data[body_begin:] if digits.isdigit() and int(digits) == len(data) - body_begin else None

    def write_scope(self, length: int, *, state: dict[str, Any]) -> Any:
        """ASGI's, of a request of this head with so long a body."""
        headers = list(self.headers)
        headers[self.place] = (CONTENT_LENGTH, b"%d" % length)
        return {**self.scope, "headers": headers, "state": state.copy()}

    def write_names(self, length: int) -> dict[bytes, bytes]:
        """The headers by name, of those that stand there twice the last."""
        return {**self.names, CONTENT_LENGTH: b"%d" % length}


def learn(data: bytes, scope: dict[str, Any]) -> Head | None:
    """`data`: one request, of which the parser made `scope`, and nothing else. None: a head that is better parsed."""
    end = data.find(END) + len(END)
    if end < len(END) or end > MOST_BYTES:
        return None
    folded = data[: end - 2].lower()
    place = [number for number, (name, _) in enumerate(scope["headers"]) if name == CONTENT_LENGTH]
    if len(place) != 1 or any(one in folded for one in ODD) or not has_plain_lines(folded, len(scope["headers"])):
        return None
    begin = folded.find(b"\r\n%b:" % CONTENT_LENGTH) + len(CONTENT_LENGTH) + 3
    begin += len(folded) - begin - len(folded[begin:].lstrip(b" "))
    length = scope["headers"][place[0]][1]
    if not length.isdigit() or folded[begin : begin + len(length) + 1] != length + b"\r":
        return None
    kept = {name: value for name, value in scope.items() if name not in {"headers", WIRE}}
    before, after, headers = data[:begin], data[begin + len(length) : end], tuple(scope["headers"])
    return Head(before, after, kept, headers, dict(headers), place[0])


def has_plain_lines(head: bytes, headers: int) -> bool:
    """Whether each header is a line, and each line ends as it should: then what ends the head is plain too."""
    return head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r") == headers + 1
