"""The judges, one after the other, on one running instance."""

import datetime as dt
import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

from nodes.pipeline.export.order import request_export
from tenants.models.client import ProvisioningClient
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import ClaimTerms, create_claims
from tenants.tokens.access import mint_access_token
from tests.conftest import fill_box
from tests.factories import Box, make_api_key, make_box
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
"path.export_id" = "{export_id}"
"path.claim_id" = "{claim_id}"
"""
NODE = "^/api/v1/node/"
NO_ZIP = "content_type_overrides:\n  application/zip: application/octet-stream\n"  # it knows bytes under that name only


def judge(tools: Path, home: Path, *, examples: str) -> int:
    """0 when no judge has found anything. Each caller has a box in the address that no other has changed."""
    ProvisioningClient.objects.create(
        client_id="judge", name="judge", secret_digest=hashlib.sha256(SECRET.encode()).digest()
    )
    with web_process() as web:
        found = [judge_as(caller, tools, home, web.url, examples=examples) for caller in list_callers(web.url)]
        found.append(judge_client(tools, home, web.url, settle("client")))
    return int(any(found))


@dataclass(frozen=True)
class Caller:
    """Who asks, whose box is in the addresses, with which token, and whether below `/node` or everywhere else."""

    name: str
    place: Box
    token: str
    is_below_node: bool = False


def list_callers(url: str) -> list[Caller]:
    box, app = settle("box"), settle("app")
    office = settle("office")  # its owner's token outlives what happens to the box in the address
    home = settle("home", owner_id=office.dazbox.owner_id)
    operator = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    return [
        Caller("box", box, sign_in_box(url, box), is_below_node=True),
        Caller("app", app, make_api_key(app), is_below_node=True),
        Caller("owner", home, sign_in_box(url, office)),
        Caller("operator", settle("customer"), operator),
        Caller("shop", settle("sold"), sign_in_shop(url)),
    ]


def judge_as(caller: Caller, tools: Path, home: Path, url: str, *, examples: str) -> int:
    config = home / f"{caller.name}.toml"
    config.write_text(CONFIG.format(**places_of(caller.place)))
    command = [tools / "st", "--config-file", config, "--no-color", "run", f"{url}/api/v1/schema"]
    command += ["--include-path-regex" if caller.is_below_node else "--exclude-path-regex", NODE]
    command += ["--checks", "all", "-n", examples, "--seed", "1", "--continue-on-failure"]
    return run([*command, "-H", f"Authorization: Bearer {caller.token}"], cwd=home, title=caller.name)


def settle(name: str, *, owner_id: UUID | None = None) -> Box:
    box = fill_box(make_box(name), forwards=5)
    if owner_id:
        Dazbox.objects.filter(id=box.dazbox.id).update(owner_id=owner_id)
        box.dazbox.refresh_from_db()
    return box


def places_of(box: Box) -> dict[str, str]:
    """What stands in the addresses of the document."""
    export = request_export(box.dazbox.id, actor="judge")
    [claim] = create_claims(1, ClaimTerms(label="judge", expires_in=dt.timedelta(days=1)), created_by="judge")
    places = {
        "pubkey": box.pubkey,
        "device_id": box.dazbox.id,
        "kid": box.kid,
        "operation_id": box.dazbox.operations.get().id,
        "export_id": export.id,
        "claim_id": claim.claim.id,
    }
    return {name: str(value) for name, value in places.items()}


def judge_client(tools: Path, home: Path, url: str, box: Box) -> int:
    """The client is generated, checked, and does what a shop and an owner's app do."""
    document = home / "openapi.json"
    document.write_bytes(httpx.get(f"{url}/api/v1/schema", trust_env=False).content)
    folder = home / "client"
    config = home / "client.yaml"
    config.write_text(NO_ZIP)
    generate = [tools / "openapi-python-client", "generate", "--path", document, "--output-path", folder]
    generate += ["--config", config]
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


def run(command: list[object], *, cwd: Path, path: Path | None = None, title: str = "") -> int:
    environment = {"PATH": f"{path}:/usr/bin:/bin", "PYTHONPATH": str(path), "MYPYPATH": str(path), "HOME": str(cwd)}
    print(f"\n{title}$", *[str(word)[:60] for word in command], flush=True)
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, check=False, stderr=sys.stdout)
    return done.returncode


def sign_in_shop(url: str) -> str:
    return _sign_in(url, "token", {"client_id": "judge", "client_secret": SECRET})


def sign_in_box(url: str, box: Box) -> str:
    return _sign_in(url, "device-token", {"assertion": box.sign_assertion()})


def _sign_in(url: str, path: str, body: dict[str, str]) -> str:
    return str(httpx.post(f"{url}/api/v1/auth/{path}", json=body, trust_env=False).raise_for_status().json()["access"])
