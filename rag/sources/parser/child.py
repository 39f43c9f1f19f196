"""A document is read in a process of its own, which is killed when it takes too long: what it holds may be hostile."""

import subprocess
import sys
from pathlib import Path

import msgspec

from rag.engine.types import Section
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import WALL_S
from rag.sources.parser.outcome import Outcome
from rag.sources.parser.sniff import MEDIA_TYPES

PROJECT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}  # none of ours: it has our keys


def parse_document(content: bytes, media_type: str, *, wall_s: float = WALL_S) -> list[Section]:
    """The sections of a document of any of the five kinds. Raises UnreadableError with the reason for its sender."""
    known = media_type if media_type in MEDIA_TYPES else "text/plain"
    command = [sys.executable, "-s", "-m", "rag.sources.parser", known]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=content, capture_output=True, cwd=PROJECT, env=ENVIRONMENT, timeout=wall_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise _too_slow() from None
    if done.returncode != 0:
        raise _name_end(done)
    outcome = msgspec.msgpack.decode(done.stdout, type=Outcome)
    if outcome.code is not None:
        raise UnreadableError(outcome.code, outcome.reason)
    return outcome.sections


def _name_end(done: "subprocess.CompletedProcess[bytes]") -> UnreadableError:
    """By a signal: a limit of time. By an exception nobody foresaw: its name, and nothing of the text."""
    if done.returncode < 0:
        return _too_slow()
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0][:60]
    if last == "MemoryError":
        return UnreadableError("too-large", "The document needs too much memory to be read.")
    return UnreadableError("malformed", f"The document cannot be read ({last or 'no reason given'}).")


def _too_slow() -> UnreadableError:
    return UnreadableError("too-slow", "The document takes too long to read: split it, or save it as plain text.")
