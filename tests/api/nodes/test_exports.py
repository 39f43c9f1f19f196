"""An owner orders an export, looks how far it is, and fetches it by a link that is good for a quarter of an hour."""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.core import signing
from django.utils import timezone

from nodes.models.journal import JournalEntry
from nodes.pipeline.export.order import run_export
from tenants.context import enter_tenant
from tenants.models.dazbox import Dazbox
from tenants.models.export import Export, ExportState
from tenants.provisioning.lifecycle import delete_dazbox
from tenants.provisioning.purge import purge_dazbox
from tests.api.problem import assert_problem
from tests.committed import committed_database
from tests.conftest import ApiClient, fill_box
from tests.factories import Box, make_api_key, make_box
from tests.faults.web_process import web_process

ANSWERED = {
    "id", "device_id", "state", "requested_at", "finished_at", "expires_at", "tables", "rows", "size_bytes", "sha256",
    "link",
}  # fmt: skip


@pytest.fixture(scope="module")
def ready(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Box, Box, Export]]:
    """Two committed boxes, and an export of the first one that a worker has finished."""
    with committed_database(django_db_blocker):
        box, other = fill_box(make_box("exported"), forwards=20), make_box("stranger")
        api = ApiClient()
        answer = order(api, box, api.token_of(box))
        run_export(uuid.UUID(answer.json["id"]))
        yield box, other, Export.objects.get(id=answer.json["id"])


def order(api: ApiClient, box: Box, token: str | None, **headers: str) -> Any:
    return api.post(f"/api/v1/provisioning/devices/{box.dazbox.id}/exports", token=token, **headers)


def look(api: ApiClient, export_id: object, token: str | None) -> Any:
    return api.get(f"/api/v1/provisioning/exports/{export_id}", token=token)


def address_of(link: Any) -> str:
    parts = urlsplit(link["url"])
    return f"{parts.path}?{parts.query}"


def test_an_order_is_accepted_and_can_be_looked_at(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    answer = order(api, charlie, token)
    assert answer.status == 202
    assert set(answer.json) == ANSWERED
    assert (answer.json["state"], answer.json["link"]) == ("pending", None)
    assert urlsplit(answer.headers["Location"]).path == f"/api/v1/provisioning/exports/{answer.json['id']}"
    seen = look(api, answer.json["id"], token)
    assert (seen.status, seen.json, seen.headers["Retry-After"]) == (200, answer.json, "5")
    assert seen.headers["Cache-Control"] == "no-store"


def test_the_order_is_in_the_journal(api: ApiClient, charlie: Box) -> None:
    order(api, charlie, api.token_of(charlie))
    with enter_tenant(charlie.tenant):
        [entry] = JournalEntry.objects.filter(kind="export")
    assert entry.detail.facts == {"actor": str(charlie.dazbox.id)}


def test_an_order_repeated_under_its_key_is_one_order(api: ApiClient, charlie: Box) -> None:
    token, key = api.token_of(charlie), str(uuid.uuid4())
    first, second = (order(api, charlie, token, **{"Idempotency-Key": key}) for _ in range(2))
    assert (first.raw, second.headers["Idempotent-Replayed"]) == (second.raw, "true")
    assert Export.objects.count() == 1


def test_without_a_key_nothing_is_ordered(api: ApiClient, charlie: Box) -> None:
    path = f"/api/v1/provisioning/devices/{charlie.dazbox.id}/exports"
    assert_problem(api.call("POST", path, token=api.token_of(charlie)), 400)
    assert not Export.objects.exists()


def test_the_third_in_a_day_is_refused_and_told_when_to_come_back(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    first, _ = order(api, charlie, token), order(api, charlie, token)
    refused = order(api, charlie, token)
    assert_problem(refused, 429)
    assert refused.json["type"].endswith("/too-many-exports")
    assert 86_000 < int(refused.headers["Retry-After"]) <= 86_401
    a_day_ago = timezone.now() - timedelta(days=1, seconds=1)
    Export.objects.filter(id=first.json["id"]).update(requested_at=a_day_ago)
    assert order(api, charlie, token).status == 202


def test_a_failed_one_does_not_count(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    for _ in range(3):
        failed = order(api, charlie, token)
        assert failed.status == 202
        Export.objects.update(state=ExportState.FAILED)
    seen = look(api, failed.json["id"], token)
    assert (seen.json["state"], "Retry-After" in seen.headers) == ("failed", False)


def test_a_suspended_box_and_one_about_to_be_deleted_are_exported(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    paused = f"/api/v1/provisioning/devices/{charlie.dazbox.id}/suspend"
    assert api.post(paused, {"reason": "because"}, token=token).status == 200
    assert order(api, charlie, token).status == 202
    delete_dazbox(charlie.dazbox.id, actor="test", reason="because", at_once=False)
    answer = order(api, charlie, token)
    assert answer.status == 202
    assert look(api, answer.json["id"], token).status == 200


def test_a_key_that_only_reads_exports_nothing(api: ApiClient, charlie: Box) -> None:
    assert_problem(order(api, charlie, make_api_key(charlie, scopes=("read",))), 403)
    assert order(api, charlie, make_api_key(charlie, scopes=("act",), name="b")).status == 202


def test_who_takes_over_a_box_does_not_see_what_was_exported_before(api: ApiClient, charlie: Box, bob: Box) -> None:
    export = order(api, charlie, api.token_of(charlie)).json
    Dazbox.objects.filter(id=charlie.dazbox.id).update(owner_id=bob.dazbox.owner_id)
    assert_problem(look(api, export["id"], api.token_of(charlie)), 404)
    assert_problem(look(api, export["id"], api.token_of(bob)), 404)


def test_an_export_of_others_and_one_of_nobody_look_the_same(api: ApiClient, charlie: Box, bob: Box) -> None:
    export = order(api, charlie, api.token_of(charlie)).json
    token = api.token_of(bob)
    foreign, nobodys = look(api, export["id"], token), look(api, uuid.uuid4(), token)
    assert_problem(foreign, 404)
    assert foreign.json | {"instance": ""} == nobodys.json | {"instance": ""}


def test_an_expired_one_is_not_found(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    export = order(api, charlie, token).json
    Export.objects.update(expires_at=timezone.now())
    assert_problem(look(api, export["id"], token), 404)


def test_the_archive_is_fetched_by_its_link_without_a_token(api: ApiClient, ready: tuple[Box, Box, Export]) -> None:
    box, _, export = ready
    seen = look(api, export.id, api.token_of(box))
    assert (seen.json["state"], seen.json["tables"]) == ("ready", export.table_count)
    answer = api.get(address_of(seen.json["link"]))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/zip")
    assert int(answer.headers["Content-Length"]) == len(answer.raw) == seen.json["size_bytes"]
    assert hashlib.sha256(answer.raw).hexdigest() == seen.json["sha256"]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="dazbox-{export.id}.zip"'
    assert answer.headers["Cache-Control"] == "no-store"
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(answer.raw)).read("manifest.json"))
    assert manifest["pubkey"] == box.pubkey
    assert sum(table["rows"] for table in manifest["tables"]) == seen.json["rows"]
    assert api.get(address_of(seen.json["link"]), Accept="application/zip").status == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda signature: "",
        lambda signature: signature[:-1] + ("a" if signature[-1] != "a" else "b"),
        lambda signature: "A" + signature,
        lambda signature: signature.split(":")[0],
        lambda signature: "%00",
    ],
)
def test_a_link_that_is_not_ours_opens_nothing(api: ApiClient, ready: tuple[Box, Box, Export], spoil: Any) -> None:
    box, _, export = ready
    link = address_of(look(api, export.id, api.token_of(box)).json["link"])
    path, signature = link.split("?signature=")
    refused = api.get(f"{path}?signature={spoil(signature)}")
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/export-link-invalid")


def test_half_a_link_is_a_bad_request(api: ApiClient, ready: tuple[Box, Box, Export]) -> None:
    assert_problem(api.get(f"/api/v1/provisioning/exports/{ready[2].id}/archive"), 400)


def test_a_link_is_good_for_its_own_export_alone(api: ApiClient, ready: tuple[Box, Box, Export]) -> None:
    box, _, export = ready
    link = address_of(look(api, export.id, api.token_of(box)).json["link"])
    assert_problem(api.get(link.replace(str(export.id), str(uuid.uuid4()))), 403)


@pytest.mark.parametrize(("age_s", "status"), [(14 * 60, 200), (15 * 60 + 1, 403)])
def test_a_link_is_good_for_a_quarter_of_an_hour(
    api: ApiClient, ready: tuple[Box, Box, Export], age_s: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, _, export = ready
    now = signing.time.time()
    link = address_of(look(api, export.id, api.token_of(box)).json["link"])
    monkeypatch.setattr(signing.time, "time", lambda: now + age_s)
    assert api.get(link).status == status


def test_any_web_process_serves_it_piece_by_piece(api: ApiClient, ready: tuple[Box, Box, Export]) -> None:
    """The export was written by this process; another one, started later, has it as well."""
    box, _, export = ready
    link = address_of(look(api, export.id, api.token_of(box)).json["link"])
    with web_process() as web, httpx.stream("GET", web.url + link, trust_env=False) as answer:
        pieces = list(answer.iter_raw(4096))
    assert answer.status_code == 200
    assert hashlib.sha256(b"".join(pieces)).hexdigest() == export.sha256
    assert len(pieces) > 1


def test_when_the_box_is_purged_the_link_is_dead(api: ApiClient, ready: tuple[Box, Box, Export]) -> None:
    _, other, _ = ready
    token = api.token_of(other)
    export = order(api, other, token).json
    run_export(uuid.UUID(export["id"]))
    link = address_of(look(api, export["id"], token).json["link"])
    assert api.get(link).status == 200
    delete_dazbox(other.dazbox.id, actor="test", reason="because", at_once=True)
    purge_dazbox(Dazbox.objects.get(id=other.dazbox.id))
    assert_problem(api.get(link), 404)
