"""The protocol's official conformance suite against the gateway's connections to servers behind HTTP.

What is required of clients with a user before them (the authorization code flow, its metadata and its scopes) is left
out: a gateway has none, and its tokens come by client credentials.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bridge.gateway.running import ROOT
from tests.judge.test_conformance import NODE, SCRIPT, pytestmark

__all__ = ["pytestmark"]
SCENARIOS = {
    "2025-11-25": ("initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"),
    "2026-07-28": (
        "tools_call",
        "request-metadata",
        "sep-2322-client-request-state",
        "http-standard-headers",
        "http-custom-headers",
        "http-invalid-tool-headers",
        "json-schema-ref-no-deref",
    ),
}
CASES = [(revision, name) for revision, names in SCENARIOS.items() for name in names]


@pytest.mark.parametrize(("revision", "scenario"), CASES)
def test_a_connection_does_what_is_required_of_clients(tmp_path: Path, revision: str, scenario: str) -> None:
    command = f"{sys.executable} -m tests.judge.mcp_client"
    told = subprocess.run(
        [
            NODE,
            SCRIPT,
            "client",
            "--command",
            command,
            "--scenario",
            scenario,
            "--spec-version",
            revision,
            "-o",
            tmp_path,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert " 0 failed, 0 warnings" in told.stdout + told.stderr
