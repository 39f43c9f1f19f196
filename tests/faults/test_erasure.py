"""After the purge nothing says who a box was: no row, no file of the database, no cache, no log, no kept answer."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.claim import ClaimTerms, create_claims
from tenants.provisioning.device import DeviceRequest
from tenants.provisioning.erasure import wipe_remains
from tenants.provisioning.purge import purge_due_boxes
from tenants.tokens.access import mint_access_token
from tests.committed import other_session
from tests.factories import Box, as_json, make_channel, make_device_request, make_forward, make_snapshot
from tests.faults.embedded_instance import eventually
from tests.faults.search import Places, nowhere, search_files, search_stores, search_tables
from tests.faults.whole_instance import API, DEVICES, WholeInstance, ask, whole_instance, without_channels

pytestmark = pytest.mark.fault
ALIAS, CANARY = "alias-of-the-leaver", "canary-of-the-leaver"
NO_WAIT = timedelta(0)


@dataclass
class Life:
    """A box from its claim to its purge, lived over HTTP, and where to look for it before and after."""

    instance: WholeInstance
    box: Box
    operator: str
    token: str
    answers: dict[str, tuple[str, str, dict[str, Any], str]]  # what was asked under a key: path, key, body, token
    archive: str
    found_before: dict[str, Places]

    @property
    def web(self) -> str:
        return self.instance.url

    @property
    def needles(self) -> dict[str, bytes]:
        return needles_of(self.box)


def needles_of(box: Box) -> dict[str, bytes]:
    pubkey = box.pubkey
    return {
        "pubkey": pubkey.encode(),
        "raw pubkey": bytes.fromhex(pubkey),
        "alias": ALIAS.encode(),
        "canary": CANARY.encode(),
    }


@pytest.fixture(scope="module")
def life(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with django_db_blocker.unblock(), whole_instance(tmp_path_factory.mktemp("erasure")) as instance:
        yield live(instance)


def live(instance: WholeInstance) -> Life:
    url = instance.url
    operator = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    request, key = make_request()
    body = body_of(request)
    registration = ask(url, "POST", DEVICES, body, key="register")
    assert registration.status_code == 201, registration.text
    box = Box("leaver", Dazbox.objects.get(pubkey=request.pubkey), key)
    fail_to_register(url)
    pair = ask(url, "POST", f"{API}auth/device-token", {"assertion": box.sign_assertion()}).json()
    answers = {"register": (DEVICES, "register", body, "")}
    life = Life(instance, box, operator, pair["access"], answers, "", {})
    report(life)
    fall_ill(life)
    administrate(life)
    life.archive = export(life)
    search_and_destroy(life)
    return life


def make_request() -> tuple[DeviceRequest, Ed25519PrivateKey]:
    key = Ed25519PrivateKey.generate()
    return dataclasses.replace(make_device_request("leaver", key=key), alias=ALIAS), key


def body_of(request: DeviceRequest) -> dict[str, Any]:
    return {
        "claim_code": request.claim_code,
        "pubkey": request.pubkey,
        "nonce": request.nonce,
        "signature": request.signature,
        "device_key": {"kty": "OKP", "crv": "Ed25519", "x": request.device_key},
        "alias": request.alias,
        "agent": {"version": "1"},
    }


def fail_to_register(url: str) -> None:
    """The same node again by other claims: a conflict in the database, a wrong signature, and a claim that waits."""
    assert ask(url, "POST", DEVICES, body_of(make_device_request("leaver"))).status_code == 409
    wrong = body_of(make_device_request("leaver")) | {"signature": "y" * 104}
    assert ask(url, "POST", DEVICES, wrong).status_code == 422
    terms = ClaimTerms(label=CANARY, expires_in=timedelta(days=1), allowed_pubkey=wrong["pubkey"], is_vouched=True)
    create_claims(1, terms, created_by="test")


def report(life: Life) -> None:
    node = msgspec.structs.replace(make_snapshot().node, alias=ALIAS, version=CANARY)
    snapshot = make_snapshot(1, [make_channel(1, peer_alias=CANARY), make_channel(2)], node=node)
    forwards = {"events": [as_json(make_forward(1, id=CANARY))], "cursor": CANARY}
    for path, body in (("snapshots", as_json(snapshot)), ("forwards", forwards)):
        answer = ask(life.web, "POST", life.box.path(path), body, token=life.token)
        assert answer.status_code in {200, 201}, answer.text
    assert ask(life.web, "GET", life.box.path("channels"), token=life.token).status_code == 200
    assert ask(life.web, "GET", life.box.path("nothing/" + CANARY)).status_code == 404


def fall_ill(life: Life) -> None:
    """A request and a cycle that end in faults of the database, which quote what they were about; then a good cycle."""
    schedule = CycleSchedule.objects.filter(dazbox=life.box.dazbox)
    with without_channels(life.box):
        assert ask(life.web, "GET", life.box.path("channels"), token=life.token).status_code == 500
        schedule.update(next_run_at=timezone.now(), started_at=None)
        assert eventually(lambda: schedule.exclude(last_error="").exists())
    schedule.update(next_run_at=timezone.now(), started_at=None)
    runs = life.box.path("runs/latest")
    assert eventually(lambda: ask(life.web, "GET", runs, token=life.token).json()["run"] is not None)


def administrate(life: Life) -> None:
    device = f"{DEVICES}/{life.box.dazbox.id}"
    change = ask(life.web, "PATCH", device, {"alias": ALIAS}, token=life.token)
    assert change.status_code == 200
    for act in ("suspend", "resume"):
        body = {"reason": CANARY}
        assert ask(life.web, "POST", f"{device}/{act}", body, token=life.operator, key=act).status_code == 200
        life.answers[act] = (f"{device}/{act}", act, body, life.operator)
    key = {"name": CANARY, "scopes": ["read"]}
    assert ask(life.web, "POST", life.box.path("api-keys"), key, token=life.token).status_code == 201
    user = User.objects.create(username="operator")
    kind = ContentType.objects.get_for_model(Dazbox)
    LogEntry.objects.create(
        user=user, content_type=kind, object_id=str(life.box.dazbox.id), object_repr=ALIAS, action_flag=CHANGE
    )


def export(life: Life) -> str:
    order = ask(life.web, "POST", f"{DEVICES}/{life.box.dazbox.id}/exports", token=life.token).json()
    address = f"{API}provisioning/exports/{order['id']}"
    assert eventually(lambda: ask(life.web, "GET", address, token=life.token).json()["state"] == "ready")
    link = str(ask(life.web, "GET", address, token=life.token).json()["link"]["url"]).removeprefix(life.web)
    assert httpx.get(life.web + link, trust_env=False).status_code == 200
    return link


def search_and_destroy(life: Life) -> None:
    with other_session() as session:
        session.execute("ANALYZE tenants_dazbox, tenants_claim, tenants_challenge, tenants_apikey, django_admin_log")
    life.found_before = {"tables": search_tables(life.needles), "files": search_files(life.needles)}
    answer = ask(life.web, "DELETE", f"{DEVICES}/{life.box.dazbox.id}?purge=now", token=life.token)
    assert answer.status_code == 202
    Dazbox.objects.update(purge_at=timezone.now())
    assert purge_due_boxes() == 1
    assert eventually(lambda: wipe_remains(settled_after=NO_WAIT) == 1)


def test_the_search_finds_what_is_there(life: Life) -> None:
    """Else the tests below would find nothing anywhere."""
    tables, files = life.found_before["tables"], life.found_before["files"]
    assert {"public.tenants_dazbox", "public.tenants_claim", "public.tenants_challenge"} <= set(tables["pubkey"])
    assert {"public.tenants_dazbox", "public.django_admin_log"} <= set(tables["alias"])
    assert {"public.tenants_apikey", "public.tenants_redeemfailure"} <= set(tables["canary"] + tables["pubkey"])
    assert any(name.startswith(life.box.tenant.schema_name) for name in tables["canary"])
    assert all(files[name] for name in ("pubkey", "alias", "canary"))
    assert not any("pg_statistic" in name for places in tables.values() for name in places)


def test_no_row_of_any_table_tells_of_it(life: Life) -> None:
    assert search_tables(life.needles) == nowhere(life.needles)


def test_no_file_of_the_database_tells_of_it(life: Life) -> None:
    assert search_files(life.needles) == nowhere(life.needles)


def test_cache_and_broker_never_heard_of_it(life: Life) -> None:
    stores = life.instance.find_stores()
    assert stores
    assert search_stores(stores, life.needles) == nowhere(life.needles)


def test_the_logs_say_ids_only(life: Life) -> None:
    web, worker, server = life.instance.read_logs()
    assert "Internal Server Error" in web
    assert re.search("/api/v1/node/0[23][0-9a-f]{6}…[0-9a-f]{6}/channels", web)
    assert "task" in worker.lower()
    assert "dazbox_pubkey_once" in server
    for text in (web, worker, server):
        assert [name for name, needle in life.needles.items() if needle in text.encode()] == []


@pytest.mark.parametrize("name", ["register", "suspend", "resume"])
def test_an_answer_that_was_kept_is_given_no_more(life: Life, name: str) -> None:
    path, key, body, token = life.answers[name]
    answer = ask(life.web, "POST", path, body, token=token, key=key)
    assert "Idempotent-Replayed" not in answer.headers
    assert answer.status_code in {409, 422}
    assert [name for name, needle in life.needles.items() if needle in answer.content] == []


def test_the_link_of_its_export_is_dead(life: Life) -> None:
    assert httpx.get(life.web + life.archive, trust_env=False).status_code == 404


def test_a_claim_that_waited_for_this_node_has_ended(life: Life) -> None:
    [claim] = Claim.objects.filter(used_at=None).exclude(revoked_at=None)
    assert (claim.allowed_pubkey, claim.is_vouched, claim.label) == ("", False, "")


def test_the_tombstone_says_when_it_was_wiped(life: Life) -> None:
    row = Dazbox.objects.get(id=life.box.dazbox.id)
    assert row.state == DazboxState.DELETED
    assert row.erased_at is not None
    assert wipe_remains(settled_after=NO_WAIT) == 0
