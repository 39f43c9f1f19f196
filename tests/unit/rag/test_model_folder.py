"""The folder of the local model is ours alone."""

import stat
from pathlib import Path

from rag.sources.minilm.make import _lock


def test_nobody_else_reads_or_writes_the_folder_of_the_model(tmp_path: Path) -> None:
    with _lock(tmp_path / "models"):
        assert stat.S_IMODE((tmp_path / "models").stat().st_mode) == 0o700
