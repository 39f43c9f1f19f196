"""No file of observed decisions is left unread: a test module names its prefix."""

import re
from pathlib import Path

import pytest

from tests.reference_data import FEE_VECTORS

HERE = Path(__file__)
PREFIX = re.compile(r'"([a-z_]+_)(?:\*\.[a-z]+)?"')


def list_prefixes() -> tuple[str, ...]:
    """Those the test modules beside this one ask for by name."""
    readers = [path for path in HERE.parent.glob("test_*vectors*.py") if path != HERE]
    return tuple(prefix for path in readers for prefix in PREFIX.findall(path.read_text(encoding="utf-8")))


def test_vectors_of_every_prefix_are_read() -> None:
    if not FEE_VECTORS.is_dir():
        pytest.skip(f"there is no {FEE_VECTORS}: equality with the original programs is not tested")
    names = [path.name for path in sorted(FEE_VECTORS.iterdir()) if path.suffix != ".md"]
    assert names, f"{FEE_VECTORS} holds no file of decisions"
    assert [name for name in names if not name.startswith(list_prefixes())] == []
