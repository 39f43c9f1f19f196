"""A graph is worked out in a process of its own: its memory is given back, and a hostile file costs that alone."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from nodes.sources.describegraph.digest import GraphDigest
from nodes.sources.describegraph.reader import GraphFileError

PROJECT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
}  # none of ours: it has our keys
WALL_S = 200.0  # less than its task has
REFUSED = 3


def digest_apart(path: Path) -> GraphDigest:
    """`digest_graph` in a process of its own. Raises GraphFileError, also where it took too long or died."""
    with TemporaryDirectory(prefix="graph-") as folder:
        out = Path(folder, "digest")
        command = [sys.executable, "-s", "-m", "nodes.sources.describegraph", str(path.absolute()), str(out)]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command, capture_output=True, text=True, cwd=PROJECT, env=ENVIRONMENT, timeout=WALL_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise GraphFileError(
                f"{path} could not be worked out within {WALL_S:.0f} s: is it a channel graph?"
            ) from None
        if done.returncode == REFUSED:
            raise GraphFileError(done.stderr)
        if done.returncode:
            raise GraphFileError(f"{path} could not be worked out: {_name_end(done)}")
        return msgspec.msgpack.decode(out.read_bytes(), type=GraphDigest)


def _name_end(done: "subprocess.CompletedProcess[str]") -> str:
    last = done.stderr.strip().rpartition("\n")[2][:120]
    return last or f"its process ended with {done.returncode}"
