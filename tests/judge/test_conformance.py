"""The protocol's official conformance suite against the gateway, in front of one child that speaks over stdio.

Required of 2025-11-25 are 30 scenarios of servers, of 2026-07-28 there are 37 (frozen lists, within the suite).
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.bridge.gateway.running import ROOT, child, running

SUITE = Path(os.environ.get("CONFORMANCE", ROOT / "var/judge/conformance")) / "node_modules"  # noqa: TID251
NODE, SCRIPT = SUITE / "node/bin/node", SUITE / "@modelcontextprotocol/conformance/dist/index.js"
pytestmark = pytest.mark.skipif(not (NODE.exists() and SCRIPT.exists()), reason="the suite: `make judge` fetches it")
NOT_SCORED = re.compile(r"^  [✓✗] (\S+) \(", re.MULTILINE)
SCENARIO = re.compile(r"^([✓✗]) (\S+): \d+ passed, \d+ failed$", re.MULTILINE)


@pytest.mark.parametrize(("revision", "required"), [("2025-11-25", 30), ("2026-07-28", 37)])
def test_the_gateway_passes_all_that_is_required(tmp_path: Path, revision: str, required: int) -> None:
    with running(tmp_path, {"everything": child("everything.py")}) as gateway:
        told = subprocess.run(
            [
                NODE,
                SCRIPT,
                "server",
                "--url",
                gateway.url("everything"),
                "--requirements",
                revision,
                "-o",
                tmp_path / "out",
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    said = told.stdout + told.stderr
    free = set(NOT_SCORED.findall(said))
    scored = {name: sign for sign, name in SCENARIO.findall(said) if name not in free}
    assert [name for name, sign in scored.items() if sign != "✓"] == []
    assert (len(scored), told.returncode) == (required, 0)
