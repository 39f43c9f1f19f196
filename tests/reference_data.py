"""Files of others that tests compare us with: a folder `shared` beside the checkout, or where DAZBOX_SHARED says."""

import os
from pathlib import Path

_DATA = Path(os.getenv("DAZBOX_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
MAINNET_GRAPH = _DATA / "graph" / "describegraph-2024-09-22.json.xz"
LND_SWAGGER = _DATA / "lnd-api" / "lightning.swagger.json"
CLN_SCHEMAS = _DATA / "cln-api" / "schemas"
FEE_VECTORS = Path(os.getenv("FEE_VECTORS") or _DATA / "fee-vectors")
