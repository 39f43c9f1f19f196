"""What a box stored opens for this box, in its own table, column and row, and nowhere else."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from mcp_saas.kit.crypto import KeyMissingError, SealBrokenError, SealError
from nodes.engine.document import FeePolicy
from nodes.engine.report import NodeState
from nodes.models.channel import Channel, digest_channel
from nodes.models.decision import CycleRun, Decision
from nodes.models.node import OwnNode
from nodes.models.snapshot import Snapshot
from nodes.pipeline.control import store_policy
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.replay import replay_run
from nodes.selectors.channel import find_channel
from tenants.context import enter_tenant
from tenants.models.tenant_key import TenantKey
from tenants.sealing.tenant import TenantKeys, current_keys
from tests.api.case import cases
from tests.api.problem import assert_problem
from tests.api.tables import read_tables
from tests.conftest import ApiClient
from tests.factories import Box, make_snapshot

PLACE = {"table": "nodes_channel", "column": "state", "row": "1"}


def keys_of(box: Box) -> TenantKeys:
    with enter_tenant(box.tenant):
        return current_keys()


def run_in(box: Box, query: str, *params: object) -> list[Any]:
    with enter_tenant(box.tenant), connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return cursor.fetchall() if cursor.description else []


def load_all(box: Box) -> None:
    with enter_tenant(box.tenant):
        for model in (OwnNode, Channel, Snapshot, CycleRun, Decision):
            list(model.objects.all())


def test_every_payload_of_a_busy_box_is_sealed_and_read_back(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        assert Snapshot.objects.get().content == make_snapshot(1, alice.channels)
        assert [row.state for row in Channel.objects.order_by("id")] == alice.channels
        assert replay_run().differing == []
    sealed = [
        value for rows in read_tables(alice).values() for row in rows for value in row if isinstance(value, bytes)
    ]
    assert len(sealed) > 10
    assert not any(b"local_balance_sat" in value or b"fee_rate_ppm" in value for value in sealed)


@pytest.mark.parametrize("part", ["table", "column", "row"])
def test_a_value_does_not_open_at_a_place_that_differs_in_one_part(charlie: Box, part: str) -> None:
    keys = keys_of(charlie)
    sealed = keys.seal(b"content", **PLACE)
    assert keys.open(sealed, **PLACE) == b"content"
    with pytest.raises(SealBrokenError):
        keys.open(sealed, **PLACE | {part: "another"})


def test_a_value_does_not_open_for_another_tenant_not_even_under_the_same_key(charlie: Box, alice: Box) -> None:
    keys = keys_of(charlie)
    sealed = keys.seal(b"content", **PLACE)
    renamed = TenantKeys(uuid.uuid4(), keys.ciphers, keys.names)
    for other in (renamed, keys_of(alice)):
        with pytest.raises(SealBrokenError):
            other.open(sealed, **PLACE)


# What somebody with the database in hand may try with a box of two snapshots.
MOVES = {
    "to another row": "UPDATE nodes_snapshot SET content = (SELECT content FROM nodes_snapshot WHERE seq = 1)",
    "to another row with its digest": (
        "UPDATE nodes_channel SET state = (SELECT state FROM nodes_channel ORDER BY id LIMIT 1)"
    ),
    "to another table": "UPDATE nodes_snapshot SET content = (SELECT state FROM nodes_ownnode) WHERE seq = 1",
    "to another column": "UPDATE nodes_decision SET outcome = inputs",
    "to another generation": "UPDATE nodes_snapshot SET content = overlay(content placing '\\x00000002' from 2)",
    "to an older format": "UPDATE nodes_snapshot SET content = overlay(content placing '\\x01' from 1)",
    "one bit flipped": ("UPDATE nodes_snapshot SET content = set_bit(content, 300, 1 - get_bit(content, 300))"),
    "cut by a byte": "UPDATE nodes_snapshot SET content = substring(content FROM 1 FOR length(content) - 1)",
    "cut to its header": "UPDATE nodes_snapshot SET content = substring(content FROM 1 FOR 5)",
    "emptied": "UPDATE nodes_snapshot SET content = ''",
}


@cases(MOVES)
def test_a_value_moved_or_changed_in_the_database_does_not_open(alice: Box, case: str) -> None:
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2, alice.channels))
    load_all(alice)
    run_in(alice, case)
    with pytest.raises(SealError):
        load_all(alice)


def test_a_row_copied_to_another_tenant_does_not_open(alice: Box, bob: Box) -> None:
    [[foreign]] = run_in(bob, "SELECT content FROM nodes_snapshot")
    run_in(alice, "UPDATE nodes_snapshot SET content = %s", bytes(foreign))
    with pytest.raises(SealBrokenError, match=r"nodes_snapshot\.content of row 1"):
        load_all(alice)


def test_the_api_tells_of_it_without_a_secret(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    run_in(alice, "UPDATE nodes_channel SET state = (SELECT state FROM nodes_channel ORDER BY id LIMIT 1)")
    answer = api.get(alice.path("channels"), token=token)
    assert_problem(answer, 500)
    assert answer.json["type"].endswith("/seal-broken")
    TenantKey.objects.filter(dazbox=alice.dazbox).delete()
    answer = api.get(alice.path("channels"), token=token)
    assert_problem(answer, 503)
    assert answer.json["type"].endswith("/keys-missing")


def test_without_its_keys_nothing_of_a_box_is_read_or_written(alice: Box) -> None:
    TenantKey.objects.filter(dazbox=alice.dazbox).delete()
    attempts: list[Callable[[], object]] = [
        lambda: load_all(alice),
        lambda: store(alice),
        lambda: digest(alice),
    ]
    for attempt in attempts:
        with pytest.raises(KeyMissingError, match=r"keys of Dazbox .* are destroyed"):
            attempt()


def store(box: Box) -> None:
    with enter_tenant(box.tenant):
        store_policy(FeePolicy(), created_by="test")


def digest(box: Box) -> bytes:
    with enter_tenant(box.tenant):
        return digest_channel("800000x1x0")


def test_a_payload_is_written_with_its_row_only(alice: Box) -> None:
    state = NodeState(alias="x", implementation="lnd", version="1", block_height=1, synced_to_chain=True)
    with enter_tenant(alice.tenant):
        for write in (
            lambda: OwnNode.objects.update(state=state),
            lambda: OwnNode.objects.bulk_update([OwnNode(id=1, state=state)], ["state"]),
            lambda: OwnNode.objects.filter(state=state).exists(),
        ):
            with pytest.raises(TypeError, match="sealed with its row"):
                write()


def test_channels_are_found_by_a_digest_that_differs_from_tenant_to_tenant(alice: Box, bob: Box) -> None:
    assert digest(alice) != digest(bob)
    with enter_tenant(alice.tenant):
        row = find_channel("800000x1x0")
    assert row is not None
    assert row.channel.state == alice.channels[0]
    assert bytes(row.channel.digest) == digest(alice)


def test_keys_are_read_once_a_stay_and_not_kept_beyond_it(alice: Box, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1), enter_tenant(alice.tenant):
        digests = {digest_channel("800000x1x0") for _ in range(3)}
    with django_assert_num_queries(1):
        assert {digest(alice)} == digests


def test_keys_are_not_shown_by_accident(alice: Box) -> None:
    keys = keys_of(alice)
    assert keys.names.hex() not in repr(keys)
    assert repr(keys.names) not in repr(keys)
