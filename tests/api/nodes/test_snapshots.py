"""The box reports its state: stored once, in order, gzipped or not."""

import datetime as dt
import gzip
from typing import Any

import msgspec
from django.utils import timezone

from nodes.engine.report import MAX_SAT
from nodes.models.channel import Channel
from nodes.models.node import OwnNode
from nodes.models.snapshot import Snapshot
from nodes.pipeline.ingest import CLOCK_LEEWAY, MAX_STEP_BACK
from tenants.context import enter_tenant
from tenants.models.schedule import CycleSchedule
from tests.api import lasting
from tests.api.problem import assert_refused_at
from tests.api.tables import read_tables, read_work
from tests.conftest import ApiClient
from tests.factories import Box, make_channel, make_peer_policy, make_policy, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def snapshot_with(seq: int, local_balance_sat: int) -> Any:
    return make_snapshot(seq, [make_channel(1, local_balance_sat=local_balance_sat, remote_balance_sat=0)])


def read_state(box: Box) -> tuple[Any, ...]:
    """What the box is known to look like: its node and all its channels."""
    with enter_tenant(box.tenant):
        node = OwnNode.objects.get()
        channels = [
            (row.state.short_channel_id, row.last_seq, row.closed_at, row.state)
            for row in Channel.objects.order_by("id")
        ]
        return node.last_seq, node.last_taken_at, node.state, channels


def test_a_snapshot_is_stored_and_shown(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    answer = api.post(charlie.path("snapshots"), snapshot_with(1, 1_234_567), token=token)
    assert answer.status == 201
    assert answer.json == {"seq": 1, "stored": True}
    [channel] = api.get(charlie.path("channels"), token=token).json["items"]
    assert channel["state"]["local_balance_sat"] == 1_234_567


def test_the_same_snapshot_three_times_is_stored_once(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    first, *repeats = [api.post(alice.path("snapshots"), snapshot_with(2, 7), token=token) for _ in range(3)]
    assert first.status == 201
    assert [(answer.status, answer.json) for answer in repeats] == [(200, {"seq": 2, "stored": False})] * 2
    with enter_tenant(alice.tenant):
        assert list(Snapshot.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]


def test_an_older_snapshot_is_refused_and_the_last_good_state_kept(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    assert api.post(alice.path("snapshots"), snapshot_with(9, 900), token=token).status == 201
    before = read_tables(alice)
    refused = api.post(alice.path("snapshots"), snapshot_with(8, 800), token=token)
    assert_refused_at(refused, "/seq", status=409, code="seq-outdated")
    assert read_tables(alice) == before
    shown = api.get(alice.path("channels/800000x1x0"), token=token).json["state"]
    assert shown["local_balance_sat"] == 900


def test_a_late_repeat_of_a_snapshot_we_have_changes_nothing(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    for seq in (2, 3):
        assert api.post(alice.path("snapshots"), snapshot_with(seq, seq), token=token).status == 201
    before = read_work(alice)
    repeat = api.post(alice.path("snapshots"), snapshot_with(2, 2), token=token)
    assert (repeat.status, repeat.json) == (200, {"seq": 2, "stored": False})
    assert read_work(alice) == before


def test_the_same_seq_with_other_content_is_a_conflict(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    assert api.post(alice.path("snapshots"), snapshot_with(2, 10), token=token).status == 201
    before = read_tables(alice)
    refused = api.post(alice.path("snapshots"), snapshot_with(2, 11), token=token)
    assert_refused_at(refused, "/seq", status=409, code="seq-taken")
    assert read_tables(alice) == before


def test_out_of_order_reports_end_in_the_newest_state(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    sent = {seq: api.post(charlie.path("snapshots"), snapshot_with(seq, seq), token=token) for seq in (5, 3, 4)}
    assert {seq: answer.status for seq, answer in sent.items()} == {5: 201, 3: 409, 4: 409}
    assert read_state(charlie)[0] == 5
    [channel] = read_state(charlie)[3]
    assert channel[3].local_balance_sat == 5


def test_gaps_and_replays_end_in_the_same_state_as_an_unbroken_series(api: ApiClient, charlie: Box, bob: Box) -> None:
    for box, series in ((charlie, [2, 3, 4, 5]), (bob, [2, 4, 3, 4, 2, 5, 5, 3])):
        token = api.token_of(box)
        statuses = {api.post(box.path("snapshots"), snapshot_with(seq, seq), token=token).status for seq in series}
        assert statuses <= {200, 201, 409}
    [ours] = [channel for channel in read_state(charlie)[3] if channel[0] == "800000x1x0"]
    [theirs] = [channel for channel in read_state(bob)[3] if channel[0] == "800000x1x0"]
    assert ours == theirs
    assert read_state(charlie)[:3] == read_state(bob)[:3]


def test_a_gzipped_snapshot_is_the_same_snapshot(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    raw = msgspec.json.encode(make_snapshot(1))
    packed = gzip.compress(raw)
    assert len(packed) < len(raw)
    stored = api.post(charlie.path("snapshots"), packed, token=token, **{"Content-Encoding": "gzip"})
    assert stored.status == 201
    plain = api.post(charlie.path("snapshots"), raw, token=token)
    assert (plain.status, plain.json["stored"]) == (200, False)


def test_a_channel_that_is_no_longer_listed_is_closed_and_opens_again_when_it_is(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    gone = make_snapshot(2, [make_channel(1)])
    assert api.post(alice.path("snapshots"), gone, token=token).status == 201
    closed = api.get(alice.path("channels/800000x2x0"), token=token).json["closed_at"]
    assert dt.datetime.fromisoformat(closed) == gone.taken_at
    assert api.get(alice.path("channels/800000x1x0"), token=token).json["closed_at"] is None
    assert api.post(alice.path("snapshots"), make_snapshot(3), token=token).status == 201
    assert api.get(alice.path("channels/800000x2x0"), token=token).json["closed_at"] is None


def test_the_first_snapshot_makes_a_cycle_due_at_once_and_later_ones_leave_the_schedule(
    api: ApiClient, charlie: Box
) -> None:
    token = api.token_of(charlie)
    schedule = CycleSchedule.objects.filter(dazbox=charlie.dazbox)
    later = timezone.now() + dt.timedelta(hours=1)
    schedule.update(next_run_at=later)
    assert api.post(charlie.path("snapshots"), snapshot_with(1, 1), token=token).status == 201
    due = schedule.get().next_run_at
    assert due < timezone.now() + dt.timedelta(minutes=1)
    assert api.post(charlie.path("snapshots"), snapshot_with(2, 2), token=token).status == 201
    assert schedule.get().next_run_at == due


def test_the_largest_values_are_taken(api: ApiClient, charlie: Box) -> None:
    channel = make_channel(
        capacity_sat=MAX_SAT,
        local_balance_sat=MAX_SAT,
        remote_balance_sat=0,
        own_policy=make_policy(fee_rate_ppm=1_000_000, max_htlc_msat=MAX_SAT * 1000, base_fee_msat=2**32 - 1),
        pending_htlcs=966,
    )
    report = msgspec.structs.replace(make_snapshot(1, [channel]), seq=2**53 - 1)
    token = api.token_of(charlie)
    assert api.post(charlie.path("snapshots"), report, token=token).status == 201
    shown = api.get(charlie.path("channels/800000x1x0"), token=token).json["state"]
    assert shown["capacity_sat"] == 2_100_000_000_000_000


def test_what_strangers_announce_does_not_cost_the_snapshot(api: ApiClient, charlie: Box) -> None:
    """A peer's alias is 32 bytes of anything, its fee rate any u32."""
    alias = "<script>\x00'; DROP TABLE x;--⚡"
    peer_policy = make_peer_policy(fee_rate_ppm=2**32 - 1, inbound_fee_rate_ppm=-(2**31))
    token = api.token_of(charlie)
    report = make_snapshot(1, [make_channel(peer_alias=alias, peer_policy=peer_policy)])
    assert api.post(charlie.path("snapshots"), report, token=token).status == 201
    [shown] = api.get(charlie.path("channels"), token=token).json["items"]
    assert shown["state"]["peer_alias"] == "<script>'; DROP TABLE x;--⚡"


def test_aliases_are_kept_without_what_would_upset_a_line(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    channels = [make_channel(1, peer_alias="\x1b[31mred\x07"), make_channel(2, peer_alias="\u202e\x00")]
    report = make_snapshot(1, channels)
    report = msgspec.structs.replace(report, node=msgspec.structs.replace(report.node, alias="two\r\nlines\x00"))
    assert api.post(charlie.path("snapshots"), report, token=token).status == 201
    assert api.post(charlie.path("snapshots"), report, token=token).json == {"seq": 1, "stored": False}
    _, _, node, states = read_state(charlie)
    assert node.alias == "two lines"
    assert [state.peer_alias for _, _, _, state in states] == ["[31mred", None]


def test_a_clock_that_is_set_back_a_little_is_no_fault(api: ApiClient, charlie: Box) -> None:
    """Ten minutes: more than a clock can have been ahead when its last snapshot was taken in."""
    token = api.token_of(charlie)
    first = make_snapshot(1)
    second = make_snapshot(2, taken_at=first.taken_at - MAX_STEP_BACK)
    sent = [api.post(charlie.path("snapshots"), snapshot, token=token).status for snapshot in (first, second)]
    assert sent == [201, 201]
    assert read_state(charlie)[:2] == (2, second.taken_at)
    assert MAX_STEP_BACK > CLOCK_LEEWAY


def test_a_snapshot_without_channels_is_one(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    assert api.post(charlie.path("snapshots"), make_snapshot(0, []), token=token).status == 201
    assert api.get(charlie.path("channels"), token=token).json["items"] == []


def test_the_prices_of_the_chain_are_kept_and_their_order_is_no_content(api: ApiClient, charlie: Box) -> None:
    token, snapshot = api.token_of(charlie), make_snapshot()
    statuses = []
    for fees in ({"6": 10.5, "36": 4.0}, {"36": 4.0, "6": 10.5}):
        node = msgspec.structs.replace(snapshot.node, onchain_fees=fees)
        body = msgspec.structs.replace(snapshot, node=node)
        statuses.append(api.post(charlie.path("snapshots"), body, token=token).status)

    assert statuses == [201, 200]
    with enter_tenant(charlie.tenant):
        assert Snapshot.objects.get().content.node.read_onchain_fees() == {6: 10.5, 36: 4.0}
