"""The cloud reads the node of a box whose owner left it a credential, and nobody else's."""

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from nodes.engine.charge_lnd.reader import read_charge_lnd
from nodes.engine.connection import Connection
from nodes.engine.credential import Service
from nodes.engine.decision import price_node
from nodes.engine.prepare import prepare_run
from nodes.models.channel import Channel
from nodes.models.decision import CycleRun
from nodes.models.node import OwnNode
from nodes.models.rebalance import RebalanceDay
from nodes.models.snapshot import Snapshot
from nodes.pipeline.credential import set_credential
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_snapshot, load_facts
from nodes.pipeline.pull import FRESH, pull_node
from nodes.selectors.node import read_own_node
from nodes.simulator.faults.plan import Fault as Failure
from nodes.simulator.lnd_api.transaction import find_opening_fee_sat
from nodes.simulator.world import World
from tenants.context import enter_tenant
from tests.conftest import ApiClient
from tests.db.nodes.pulling import Cloud, run_claim, trust
from tests.factories import Box, make_api_key, make_offer, make_snapshot
from tests.fakes.driven_node import serve_driven


@pytest.fixture(autouse=True)
def long_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world of these tests is years old."""
    for reader in ("lnd.payment", "cln.rebalance"):
        monkeypatch.setattr(f"nodes.sources.{reader}.LOOK_BACK_S", 20 * 365 * 86_400)


def test_what_a_box_would_report_is_there_after_a_pull(cloud: Cloud) -> None:
    settled = [record for record in cloud.node.world.fleet[0].history if record.status == "settled"]

    assert cloud.pull()
    with enter_tenant(cloud.box.tenant):
        snapshot = Snapshot.objects.get().content
        run = run_cycle()
        assert read_own_node().forward_cursor == str(len(settled))
    assert len(snapshot.channels) == len(cloud.node.channels)
    assert cloud.count_forwards() == (len(settled), len(settled))
    assert run is not None
    assert run.summary.channels == len(cloud.node.channels)
    assert (cloud.line().fault, cloud.line().failures) == (None, 0)
    # What openings cost is asked for once, what was paid to ourselves once an hour.
    assert len(cloud.node.calls) == 7
    with enter_tenant(cloud.box.tenant):
        told = [one for day in RebalanceDay.objects.order_by("day") for one in day.rebalances]
        assert read_own_node().rebalances_until is not None
    paid = cloud.node.world.fleet[0].rebalances
    assert [(one.amount_msat, one.fee_msat) for one in told] == [(one.amount_msat, one.fee_msat) for one in paid] != []


def test_what_openings_cost_is_asked_for_once_and_prices_the_cost_strategy(cloud: Cloud) -> None:
    """charge-lnd's `cost`, as imported: int(factor * 1e6 * fee / capacity), 1 where another opened the channel."""
    imported = read_charge_lnd("[default]\nstrategy = cost\ncost_factor = 2\nmin_fee_ppm_delta = 0\n", {})
    cloud.pull()
    with enter_tenant(cloud.box.tenant):
        facts = load_facts(imported.document)
    assert facts is not None
    cycle, inputs = prepare_run(facts)
    channels = {channel.chan_point: channel for channel in cloud.node.channels}
    priced, _ = price_node(cycle, inputs)
    for given, one in zip(inputs, priced, strict=True):
        if given.channel.own_policy is None:
            continue  # not announced: nothing is priced
        channel = channels[given.channel.channel_point or ""]
        is_ours = channel.sides[channel.initiator].pubkey == cloud.node.pubkey
        ppm = int(2e6 * find_opening_fee_sat(channel) / channel.capacity_sat) if is_ours else 1
        assert one.wish is not None
        assert (one.wish.rule, one.wish.fee_rate_ppm) == ("cost", ppm)
    assert {given.channel.initiator for given in inputs if given.channel.own_policy} == {True, False}

    for _ in range(2):
        cloud.let_time_pass()
        cloud.node.calls.clear()
        assert cloud.pull()
        assert len(cloud.node.calls) == 5
    with enter_tenant(cloud.box.tenant):
        fees = {one.state.channel_point: one.state.opening_fee_sat for one in Channel.objects.all()}
    assert all(
        fees[channel.chan_point] == find_opening_fee_sat(channel)
        for channel in cloud.node.channels
        if channel.sides[channel.initiator].pubkey == cloud.node.pubkey
    )


def test_a_node_that_was_just_reported_is_not_asked(cloud: Cloud) -> None:
    with enter_tenant(cloud.box.tenant):
        accept_snapshot(make_snapshot(taken_at=timezone.now() - dt.timedelta(minutes=1)))

    assert not cloud.pull()
    assert cloud.node.calls == []


def test_box_and_cloud_may_both_report(cloud: Cloud) -> None:
    """The numbers of both are unix time or later: neither shuts the other out."""
    assert cloud.pull()
    with enter_tenant(cloud.box.tenant):
        seq = int(timezone.now().timestamp()) + 60
        assert accept_snapshot(make_snapshot(seq=seq, taken_at=timezone.now())).is_new
    cloud.let_time_pass()
    assert cloud.pull()
    with enter_tenant(cloud.box.tenant):
        assert read_own_node().last_seq == seq + 1


def test_a_second_pull_doubles_nothing(cloud: Cloud) -> None:
    assert cloud.pull()
    before = cloud.count_forwards()
    cloud.let_time_pass()

    assert cloud.pull()
    assert cloud.count_forwards() == before


def test_a_new_credential_is_tried_at_once(cloud: Cloud) -> None:
    cloud.node.fail(Failure(kind="error", path="/v1", status=500, answer={"code": 2, "message": "permission denied"}))
    assert not cloud.pull()
    cloud.node.fail()
    offer = make_offer(cloud.node.config.secret, url=cloud.node.url, tls_certificate=cloud.node.config.certificate)
    with enter_tenant(cloud.box.tenant):
        set_credential(Service.LND, offer, actor="test")

    assert cloud.pull()


def test_a_box_without_a_credential_asks_nobody(cloud: Cloud, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        OwnNode.objects.update(last_taken_at=timezone.now() - FRESH)
        assert not pull_node()

    assert cloud.node.calls == []


def test_the_owner_sees_how_the_node_fares(cloud: Cloud, api: ApiClient) -> None:
    cloud.node.fail(Failure(kind="error", path="/v1/getinfo"))
    assert not cloud.pull()
    token = make_api_key(cloud.box)
    shown = api.get(cloud.box.path("credentials/lnd"), token=token).json["connection"]

    assert (shown["fault"], shown["failures"], shown["read_at"]) == ("unavailable", 1, None)
    assert shown["words"].startswith("LND at the address set for it answered 503")
    assert api.get(cloud.box.path("credentials/openai"), token=token).json["connection"] is None


def test_a_cycle_decides_by_what_the_pull_before_it_brought(cloud: Cloud) -> None:
    row = run_claim(cloud)

    assert (row.started_at, row.is_slow, row.last_error) == (None, False, "")
    with enter_tenant(cloud.box.tenant):
        run = CycleRun.objects.get()
        assert run.snapshot_seq == read_own_node().last_seq
    assert run.summary.channels == len(cloud.node.channels)


def test_a_core_lightning_node_is_read_alike(
    charlie: Box, made_world: bytes, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = msgspec.msgpack.decode(made_world, type=World).fleet[0].pubkey
    world = msgspec.msgpack.decode(made_world.replace(given.encode(), charlie.pubkey.encode()), type=World)
    with serve_driven(world, charlie.pubkey, tmp_path, implementation="cln") as node:
        trust(settings, node)
        monkeypatch.setattr("nodes.pipeline.connect.TIMEOUT", node.config.timeout)
        offer = make_offer(node.config.secret, url=node.url, tls_certificate=node.config.certificate)
        with enter_tenant(charlie.tenant):
            set_credential(Service.CLN, offer, actor="test")
        cloud = Cloud(charlie, node)

        assert cloud.pull()
        assert cloud.line() == Connection(read_at=cloud.line().read_at)
        with enter_tenant(charlie.tenant):
            snapshot = Snapshot.objects.get().content
        assert snapshot.node.implementation == "cln"
        assert len(snapshot.channels) == len(node.channels)
        assert len([call for call in node.calls if "bkpr" not in call]) <= 6  # the channels once more, to name accounts
        with enter_tenant(charlie.tenant):
            assert RebalanceDay.objects.exists()
        stored, different = cloud.count_forwards()
        assert stored == different > 100
