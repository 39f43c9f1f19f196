"""A word that one box alone knows is found with that box and nowhere else: not in the rows, the cache, the logs, the
exports or the answers of another, and not in the store of vectors."""

import dataclasses
import io
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from django.utils import timezone

from mcp_saas.embedded.knowledge.command import address_of, bind_listener
from nodes.engine.webhook.endpoint import Target
from nodes.pipeline.webhook.endpoint import create_endpoint
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.point import Query
from rag.sources.qdrant.store import Store
from tenants.context import enter_tenant
from tenants.models.dazbox import Dazbox
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.claim import ClaimTerms, create_claims
from tests.api.openapi_document import list_operations
from tests.factories import Box, as_json, make_box, make_channel, make_forward, make_rebalance, make_snapshot
from tests.faults.embedded_instance import eventually
from tests.faults.search import Places, nowhere, search_stores, search_tables
from tests.faults.whole_instance import API, DEVICES, WholeInstance, ask, whole_instance, without_channels
from tests.knowledge_service import run_service
from tests.points import direction, make_model, make_point

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]  # the first waits for a whole product to start
READS = [
    operation
    for operation in list_operations()
    if operation.method == "GET" and "{claim_id}" not in operation.path and "archive" not in operation.path
]
NAMES = ("alice", "bob")
ACCOUNT_TABLES = {"public.tenants_dazbox", "public.tenants_apikey", "public.tenants_claim"}


@dataclass
class Neighbour:
    """A box, its token, and what it was given: its export, and the answer of every read."""

    box: Box
    token: str
    export: bytes = b""
    answers: dict[str, bytes] = dataclasses.field(default_factory=dict)

    @property
    def canary(self) -> str:
        return canary_of(self.box.name)


@dataclass
class Street:
    instance: WholeInstance
    neighbours: dict[str, Neighbour]
    tables: Places


def canary_of(name: str) -> str:
    return f"canary-only-{name}-knows"


NEEDLES = {name: canary_of(name).encode() for name in NAMES}


@pytest.fixture(scope="module")
def street(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with django_db_blocker.unblock(), whole_instance(tmp_path_factory.mktemp("canary")) as instance:
        neighbours = {name: move_in(instance, name) for name in NAMES}
        for neighbour in neighbours.values():
            live(instance, neighbour)
        yield Street(instance, neighbours, search_tables(NEEDLES))


def move_in(instance: WholeInstance, name: str) -> Neighbour:
    create_claims(1, ClaimTerms(label=canary_of(name), expires_in=timedelta(days=1)), created_by="test")
    box = make_box(name)
    answer = ask(instance.url, "POST", f"{API}auth/device-token", {"assertion": box.sign_assertion()})
    return Neighbour(box, answer.json()["access"])


def live(instance: WholeInstance, neighbour: Neighbour) -> None:
    """Reports, a cycle by the worker, faults that quote what was sent, a pause, an export, and every read."""
    box, word = neighbour.box, neighbour.canary

    def call(method: str, path: str, body: Any = None) -> httpx.Response:
        return ask(instance.url, method, path, body, token=neighbour.token)

    node = msgspec.structs.replace(make_snapshot().node, alias=word, version=word)
    channels = [make_channel(number, peer_alias=f"{word} {number}") for number in (1, 2)]
    forwards = [as_json(make_forward(number, id=f"{word} {number}")) for number in range(1, 6)]
    device = f"{DEVICES}/{box.dazbox.id}"
    sent = [
        call("POST", box.path("forwards"), {"events": forwards, "cursor": word}),
        call("POST", box.path("rebalances"), {"events": [as_json(make_rebalance(1, id=word))], "cursor": word}),
        call("POST", box.path("snapshots"), as_json(make_snapshot(1, channels, node=node))),
        call("POST", box.path("snapshots"), {word: word}),
        call("GET", box.path(f"channels/{word}")),
        call("POST", box.path("api-keys"), {"name": word, "scopes": ["read"]}),
        call("PATCH", device, {"alias": word}),
        call("POST", f"{device}/suspend", {"reason": word}),
        call("POST", f"{device}/resume", {"reason": word}),
    ]
    assert [answer.status_code for answer in sent] == [200, 200, 201, 400, 404, 201, 200, 200, 200]
    with without_channels(box):
        assert call("GET", box.path("channels")).status_code == 500
    CycleSchedule.objects.filter(dazbox=box.dazbox).update(next_run_at=timezone.now(), started_at=None)
    assert eventually(lambda: call("GET", box.path("runs/latest")).json()["run"] is not None)
    order = f"{API}provisioning/exports/{call('POST', f'{device}/exports').json()['id']}"
    assert eventually(lambda: call("GET", order).json()["state"] == "ready")
    neighbour.export = httpx.get(call("GET", order).json()["link"]["url"], trust_env=False).content
    places = {
        "pubkey": box.pubkey,
        "device_id": str(box.dazbox.id),
        "export_id": order.rpartition("/")[2],
        "short_channel_id": "800000x1x0",
        "user_code": "BCDFGHJK",
        "webhook_id": set_up_webhook(box, word),
        "operation_id": str(box.dazbox.operations.get().id),
    }
    neighbour.answers = {str(one): call("GET", one.address(**places)).content for one in READS}


def set_up_webhook(box: Box, word: str) -> str:
    """It is sent nothing here."""
    target = Target(url=f"https://hooks.example.com/{word}", events=("webhook.disabled",), description=word)
    with enter_tenant(box.tenant):
        return str(create_endpoint(target, actor=word).id)


def foreign(name: str) -> bytes:
    [other] = set(NAMES) - {name}
    return canary_of(other).encode()


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_with_its_canary_are_its_own_and_its_accounts(street: Street, name: str) -> None:
    own = street.neighbours[name].box.tenant.schema_name
    tables = street.tables[name]
    assert {table for table in tables if not table.startswith(f"{own}.")} == ACCOUNT_TABLES
    assert any(table.startswith(f"{own}.") for table in tables)


def test_no_row_of_an_account_has_the_canary_of_another(street: Street) -> None:
    aliases = {row.id: row.alias for row in Dazbox.objects.all()}
    assert aliases == {one.box.dazbox.id: one.canary for one in street.neighbours.values()}


def test_cache_and_broker_have_no_canary(street: Street) -> None:
    stores = street.instance.find_stores()
    assert stores
    assert search_stores(stores, NEEDLES) == nowhere(NEEDLES)


def test_the_logs_have_no_canary(street: Street) -> None:
    web, worker, server = street.instance.read_logs()
    assert re.search("/api/v1/node/0[23][0-9a-f]{6}…[0-9a-f]{6}/channels", web)
    assert "task" in worker.lower()
    assert [needle for needle in NEEDLES.values() for text in (web, worker, server) if needle in text.encode()] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_export_has_the_canary_of_its_own_box_alone(street: Street, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(street.neighbours[name].export)) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    singing = {member for member, content in members.items() if canary_of(name).encode() in content}
    assert singing >= {"box/nodes_channel.ndjson", "box/nodes_snapshot.ndjson", "account/tenants_dazbox.ndjson"}
    assert [member for member, content in members.items() if foreign(name) in content] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_the_canary_of_its_own_box_alone(street: Street, name: str) -> None:
    answers = street.neighbours[name].answers
    singing = {operation for operation, content in answers.items() if canary_of(name).encode() in content}
    assert singing >= {"list_channels", "get_channel", "list_decisions", "list_api_keys", "get_device", "list_devices"}
    assert [operation for operation, content in answers.items() if foreign(name) in content] == []


@dataclass
class Knowledge:
    store: Store
    folder: Path


@pytest.fixture(scope="module")
def knowledge(street: Street, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    """A store with a document of each that is called by, and consists of, its canary."""
    folder, environment = tmp_path_factory.mktemp("knowledge"), dict(os.environ)  # noqa: TID251 - handed on
    with bind_listener() as listener, run_service(folder, listener, environment=environment, api_key="key"):
        border = open_border(address_of(listener), "key")
        store = Store(border, prefix="canary", model=make_model())
        for neighbour in street.neighbours.values():
            with enter_tenant(neighbour.box.tenant):
                store.upsert(scope.own(neighbour.box.dazbox.id), [make_point(neighbour.canary)])
        yield Knowledge(store, folder)
        border.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_search_finds_the_canary_of_its_own_box_alone(street: Street, knowledge: Knowledge, name: str) -> None:
    box = street.neighbours[name].box
    with enter_tenant(box.tenant):
        queries = [Query(dense=direction(1.0)), Query(terms={7: 1.0})]
        answers = knowledge.store.search(scope.of_tenant(box.dazbox.id), queries)
    texts = [[hit.content.text for hit in hits if hit.content] for hits in answers]
    assert texts == [[canary_of(name)]] * 2


def test_the_files_of_the_store_have_no_canary(knowledge: Knowledge) -> None:
    files = [path for path in knowledge.folder.rglob("*") if path.is_file()]
    assert any(b"tenant" in path.read_bytes() for path in files)
    found = [path.name for path in files for needle in NEEDLES.values() if needle in path.read_bytes()]
    assert found == []
