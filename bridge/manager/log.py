"""The logs of servers, wherever they run: read, searched and followed."""

import re
from collections.abc import Iterator

from msgspec import Struct

from bridge.engine.board import LOG
from bridge.manager.board import LONGEST_WAIT_S, board, patient_board

PAGE = 500
_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,8}")


class LogLine(Struct, frozen=True):
    """`stream`: stdout (what is no message), stderr, protocol (what broke it) or life (starts and ends)."""

    id: str
    at: float | None  # seconds since 1970
    stream: str
    pid: int | None
    text: str


def is_place(text: str) -> bool:
    """Whether it could be the id of a line."""
    return _ID.fullmatch(text) is not None


def read_lines(server: str, *, words: str = "", stream: str = "", limit: int = 100) -> list[LogLine]:
    """The last lines that contain the words, in any case; the oldest of them first. Raises RedisError."""
    found: list[LogLine] = []
    for line in _walk_back(server):
        if words.lower() in line.text.lower() and stream in {"", line.stream}:
            found.append(line)
            if len(found) == limit:
                break
    return found[::-1]


def read_after(server: str, place: str, *, limit: int = 100) -> list[LogLine]:
    """The lines after the one of this id. Raises RedisError."""
    return [_read(*entry) for entry in board().xrange(LOG + server, min=f"({place}", count=limit)]


def wait_after(server: str, place: str | None, *, wait_s: float = LONGEST_WAIT_S, limit: int = 100) -> list[LogLine]:
    """As read_after, but waits for one to come; None: for what comes from now on. Raises RedisError."""
    wait_ms = max(1, int(min(wait_s, LONGEST_WAIT_S) * 1000))
    answer = patient_board().xread({LOG + server: place or "$"}, count=limit, block=wait_ms)
    return [_read(*entry) for _, entries in answer or [] for entry in entries]


def _walk_back(server: str) -> Iterator[LogLine]:
    """From the newest line on."""
    end = "+"
    while entries := board().xrevrange(LOG + server, max=end, count=PAGE):
        yield from (_read(*entry) for entry in entries)
        end = f"({entries[-1][0].decode()}"


def _read(key: bytes, fields: dict[bytes, bytes]) -> LogLine:
    words = {name.decode(): value.decode(errors="replace") for name, value in fields.items()}
    pid = words.get("pid", "")
    return LogLine(
        key.decode(), _read_number(words.get("at", "")), words.get("stream", ""),
        int(pid) if pid.isdecimal() else None, words.get("text", ""),
    )  # fmt: skip


def _read_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
