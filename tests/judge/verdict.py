"""The judges, one after the other, on one running instance."""

import hashlib
import subprocess
import sys
from pathlib import Path

import httpx

from tenants.models.client import ProvisioningClient
from tests.conftest import fill_box
from tests.factories import Box, make_box
from tests.faults.web_process import web_process

SECRET = "judge-" + "x" * 40
HERE = Path(__file__).resolve().parent
CONFIG = """
[checks.missing_required_header]
expected-statuses = [400, 401, 403, 406, 422, 428]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 428]

# 400: what JSON Schema cannot say (a cursor of ours is signed, 1.0 is no amount, a range must not be empty)
# 429: five made-up signatures lock their node for the judge's address
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 400, 401, 403, 404, 409, 412, 422, 429]

[parameters]
"path.pubkey" = "{pubkey}"
"path.short_channel_id" = "800000x1x0"
"path.device_id" = "{device_id}"
"path.kid" = "{kid}"
"path.operation_id" = "{operation_id}"
"""
NODE = "^/api/v1/node/"


def judge(tools: Path, home: Path, *, examples: str) -> int:
    """0 when no judge has found anything."""
    box = fill_box(make_box("judge"), forwards=5)
    ProvisioningClient.objects.create(
        client_id="judge", name="judge", secret_digest=hashlib.sha256(SECRET.encode()).digest()
    )
    config = home / "schemathesis.toml"
    config.write_text(
        CONFIG.format(
            pubkey=box.pubkey, device_id=box.dazbox.id, kid=box.kid, operation_id=box.dazbox.operations.get().id
        )
    )
    with web_process() as web:
        command = [tools / "st", "--config-file", config, "--no-color", "run", f"{web.url}/api/v1/schema"]
        command += ["--checks", "all", "-n", examples, "--seed", "1", "--continue-on-failure"]
        as_box = [*command, "--include-path-regex", NODE, "-H", f"Authorization: Bearer {sign_in_box(web.url, box)}"]
        as_shop = [*command, "--exclude-path-regex", NODE, "-H", f"Authorization: Bearer {sign_in_shop(web.url)}"]
        found = [run(as_box, cwd=home), run(as_shop, cwd=home), judge_client(tools, home, web.url, box)]
    return int(any(found))


def judge_client(tools: Path, home: Path, url: str, box: Box) -> int:
    """The client is generated, checked, and does what a shop and an owner's app do."""
    document = home / "openapi.json"
    document.write_bytes(httpx.get(f"{url}/api/v1/schema", trust_env=False).content)
    folder = home / "client"
    generate = [tools / "openapi-python-client", "generate", "--path", document, "--output-path", folder]
    use = HERE / "use_client.py"
    check = [
        tools / "mypy",
        "--strict",
        "--python-executable",
        tools / "python",
        folder / "dazbox_cloud_api_client",
        use,
    ]
    act = [tools / "python", use, url, "judge", SECRET, box.pubkey, box.sign_assertion()]
    return (
        run([*generate, "--fail-on-warning"], cwd=home, path=tools)
        or run(check, cwd=home, path=folder)
        or run(act, cwd=home, path=folder)
    )


def run(command: list[object], *, cwd: Path, path: Path | None = None) -> int:
    environment = {"PATH": f"{path}:/usr/bin:/bin", "PYTHONPATH": str(path), "MYPYPATH": str(path), "HOME": str(cwd)}
    print("\n$", *[str(word)[:60] for word in command], flush=True)
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, check=False, stderr=sys.stdout)
    return done.returncode


def sign_in_shop(url: str) -> str:
    return _sign_in(url, "token", {"client_id": "judge", "client_secret": SECRET})


def sign_in_box(url: str, box: Box) -> str:
    return _sign_in(url, "device-token", {"assertion": box.sign_assertion()})


def _sign_in(url: str, path: str, body: dict[str, str]) -> str:
    return str(httpx.post(f"{url}/api/v1/auth/{path}", json=body, trust_env=False).raise_for_status().json()["access"])
