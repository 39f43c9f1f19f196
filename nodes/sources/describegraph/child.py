"""A graph is worked out in a process of its own: its memory is bounded and given back, and a hostile file costs that
alone. Its rows come back through a file, one after the other: whoever keeps them holds no more than a few.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import msgspec

from nodes.sources.describegraph.digest import DigestHead, GraphRow
from nodes.sources.describegraph.reader import GraphFileError

PROJECT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
}  # none of ours: it has our keys
WALL_S = 200.0  # less than its task has
MEMORY_BYTES = 224 << 20  # what it may write to; with the code of its libraries 256 MB
REFUSED = 3
LENGTH_BYTES = 4  # before each part of the file


@contextmanager
def digest_apart(path: Path) -> Iterator[tuple[DigestHead, Iterator[GraphRow]]]:
    """`digest_graph` in a process of its own; the rows can be read while we are in here. Raises GraphFileError, also
    where it took too long or died.
    """
    with TemporaryDirectory(prefix="graph-") as folder:
        out = Path(folder, "digest")
        _run(path, out)
        with out.open("rb") as file:
            parts = _read_parts(file)
            head = msgspec.msgpack.decode(next(parts), type=DigestHead)
            decoder = msgspec.msgpack.Decoder(GraphRow)
            yield head, (decoder.decode(part) for part in parts)


def write_digest(out: Path, head: DigestHead, *, rows: Iterable[GraphRow]) -> None:
    encoder = msgspec.msgpack.Encoder()
    with out.open("wb") as file:
        for part in (head, *rows):
            encoded = encoder.encode(part)
            file.write(len(encoded).to_bytes(LENGTH_BYTES) + encoded)


def _read_parts(file: IO[bytes]) -> Iterator[bytes]:
    while length := file.read(LENGTH_BYTES):
        yield file.read(int.from_bytes(length))


def _run(path: Path, out: Path) -> None:
    command = [sys.executable, "-s", "-m", "nodes.sources.describegraph", str(path.absolute()), str(out)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, capture_output=True, text=True, cwd=PROJECT, env=ENVIRONMENT, timeout=WALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise GraphFileError(f"{path} could not be worked out within {WALL_S:.0f} s: is it a channel graph?") from None
    if done.returncode == REFUSED:
        raise GraphFileError(done.stderr)
    if done.returncode:
        raise GraphFileError(f"{path} could not be worked out: {_name_end(done)}")


def _name_end(done: "subprocess.CompletedProcess[str]") -> str:
    last = done.stderr.strip().rpartition("\n")[2][:120]
    return last or f"its process ended with {done.returncode}"
