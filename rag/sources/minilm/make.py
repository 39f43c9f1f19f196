"""`python -m rag.sources.minilm.make FOLDER`: the int8 graph, made once from the weights.

It is a process of its own, since it takes many seconds of a core and memory that Python would not give back. It says
nothing unless it fails; then one line says what to do.
"""

import fcntl
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rag.sources.minilm.cache import find_graph, keep_graph
from rag.sources.minilm.errors import ModelError
from rag.sources.minilm.weights import read_weights

_DRAFT: Final = ".making-"
_GENTLE: Final = 10  # of 19: whoever answers somebody goes first


def make_graph(folder: Path) -> None:
    """
    1. Who holds the lock makes it; the others wait.
    2. What is there and whole stays.
    3. Drafts of those who were killed go, and a new one takes its place when it is done.
    Raises ModelError where the weights are not ours or the folder cannot be written.
    """
    with _lock(folder):
        if find_graph(folder) is not None:
            return
        for left in folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=folder) as place:
            exact, small = Path(place, "exact.onnx"), Path(place, "int8.onnx")
            exact.write_bytes(build_float_graph())
            _quantise(exact, small)
            keep_graph(folder, small)


def build_float_graph() -> bytes:
    """The same network before its weights are rounded: what the tests hold the int8 one against."""
    from rag.sources.minilm.graph import build_graph  # onnx takes 30 MB, and mostly the graph is there

    graph: bytes = build_graph(read_weights()).SerializeToString()
    return graph


def _quantise(source: Path, target: Path) -> None:
    """Weights to int8 with a scale for each column: with one for each matrix, vectors agree to 0.94 instead of 0.99."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written ({error.strerror}), and the local model is kept there: "
            "set MODEL_CACHE_DIR to a folder of ours with 60 MB to spare"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    logging.disable(logging.WARNING)  # the quantiser tells of each matrix
    os.nice(_GENTLE)
    try:
        make_graph(Path(arguments[0]))
    except (ModelError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
