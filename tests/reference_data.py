"""Files of others that tests compare us with: a folder `shared` beside the checkout, or where DAZBOX_SHARED says."""

import os
from pathlib import Path
from typing import Any

import pytest

_DATA = Path(os.getenv("DAZBOX_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
MAINNET_GRAPH = _DATA / "graph" / "describegraph-2024-09-22.json.xz"
LND_SWAGGER = _DATA / "lnd-api" / "lightning.swagger.json"
CLN_SCHEMAS = _DATA / "cln-api" / "schemas"
FEE_VECTORS = Path(os.getenv("FEE_VECTORS") or _DATA / "fee-vectors")


def list_vectors(prefix: str) -> list[Any]:
    """The files of the vectors' folder with this prefix, or one skipped case that says what is left out."""
    missing = pytest.mark.skip(reason=f"no {prefix}* in {FEE_VECTORS}: not compared with the original program")
    return sorted(FEE_VECTORS.glob(f"{prefix}*")) or [pytest.param(FEE_VECTORS / f"{prefix}*", marks=missing)]


KNOWLEDGE = _DATA / "knowledge"
INJECTIONS = KNOWLEDGE / "injection_dev.jsonl"
