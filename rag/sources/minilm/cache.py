"""The int8 graph as it is kept in a folder. Its name tells of which weights and by which builder it is.

Its sha256 lies beside it: a file that is not whole counts as none.
"""

import hashlib
from pathlib import Path
from typing import Final

from rag.sources.minilm.errors import ModelError
from rag.sources.minilm.weights import WEIGHTS_SHA256

BUILDER_VERSION: Final = 1  # counts on with every change of the graph or of its quantisation
_NAME: Final = f"minilm-{WEIGHTS_SHA256[:12]}-int8-v{BUILDER_VERSION}.onnx"


def find_graph(folder: Path) -> bytes | None:
    """None where there is none, or none that is whole. Raises ModelError where the folder cannot be read."""
    path = folder / _NAME
    try:
        graph, sha256 = path.read_bytes(), _sha256_of(path).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}): set MODEL_CACHE_DIR to a folder of ours"
        ) from error
    return graph if hashlib.sha256(graph).hexdigest() == sha256 else None


def keep_graph(folder: Path, draft: Path) -> None:
    """Moves a draft, which lies in a folder of `folder`, to its place."""
    sha256 = draft.with_suffix(".sha256")
    sha256.write_text(hashlib.sha256(draft.read_bytes()).hexdigest(), encoding="ascii")
    draft.replace(folder / _NAME)
    sha256.replace(_sha256_of(folder / _NAME))


def _sha256_of(path: Path) -> Path:
    return path.with_suffix(".sha256")
