"""A release watched by its stop rules: stopped and undone where it costs, grown where it does not, never on no data."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from msgspec.structs import replace

from nodes.engine.release.settings import Groups, StopRules
from nodes.engine.release.standing import Review
from nodes.models.action import Action, ActionKind, ActionState
from nodes.models.channel import digest_channel
from nodes.models.forward import ForwardDay
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.models.node import OwnNode
from nodes.pipeline.action import approve_action, reject_action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.handover import hand_over
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.kill_switch import set_switch
from nodes.pipeline.release import ReleaseChange, change_release, promote
from nodes.selectors.channel import list_open_channels
from nodes.selectors.decision import latest_run
from nodes.selectors.release import Release, read_release
from tenants.context import enter_tenant
from tests.db.nodes.acting import journal, report, show
from tests.factories import TAKEN_AT, Box, make_box, make_channel, make_forward, make_policy, make_snapshot

CHANNELS, DAYS = 20, 10
BEGAN_AT = TAKEN_AT - dt.timedelta(days=DAYS)


@pytest.fixture
def box(db: None) -> Iterator[Box]:
    """Half of its twenty channels in a canary since ten days, with one cycle behind it; inside its door."""
    made = make_box("released")
    made.channels = [make_channel(number) for number in range(1, CHANNELS + 1)]
    with enter_tenant(made.tenant):
        accept_snapshot(make_snapshot(1, made.channels, taken_at=BEGAN_AT - dt.timedelta(days=30)))
        set_canary()
        yield made


def set_canary(**changes: Any) -> None:
    change_release(ReleaseChange(mode="canary", share_percent=50, **changes), actor="owner")
    assert run_cycle() is not None  # deals the groups
    began(BEGAN_AT)


def began(at: dt.datetime) -> None:
    node = OwnNode.objects.get()
    node.standing = replace(Release(node).standing, since=at, acting_since=at, review=None)
    node.save()


def earn(box: Box, group: str, fee_sat: int, *, first_day: int, days: int) -> None:
    """One forward a day and channel of the group; day 0 is the first whole one of the release."""
    groups = read_release().standing.groups.map_peers()
    midnight = dt.datetime.combine(BEGAN_AT.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
    scids = [one.short_channel_id for one in box.channels if groups.get(one.peer_pubkey) == group]
    accept_forwards(
        [
            make_forward(
                id=f"{scid} {day}", outgoing_scid=scid, incoming_scid="1x1x1",
                settled_at=midnight + dt.timedelta(days=day, hours=3), fee_msat=1000 * (fee_sat + day % 3),
                in_msat=50_000_000 + 1000 * (fee_sat + day % 3), out_msat=50_000_000,
            )
            for scid in scids
            for day in range(first_day, first_day + days)
        ],
        None,
    )  # fmt: skip


def live_through(box: Box, *, canary_sat: int, hold_out_sat: int = 100) -> None:
    """Both groups earned 100 sat a day and channel for 20 days; then these."""
    for group, fee_sat in (("canary", canary_sat), ("hold_out", hold_out_sat)):
        earn(box, group, 100, first_day=-20, days=19)
        earn(box, group, fee_sat, first_day=0, days=DAYS - 1)


def deliver_all(box: Box) -> list[Action]:
    """Everything that is approved is written, reported and seen."""
    actions = hand_over("box", now=TAKEN_AT)
    for action in actions:
        report(action)
    show(box, *((action, action.policy) for action in actions))
    return actions


def look_again() -> Release:
    accept_snapshot(make_snapshot(500, [row.state for row in list_open_channels()], taken_at=TAKEN_AT))
    run_cycle()
    return read_release()


def findings() -> dict[str, str]:
    return {verdict.rule: verdict.finding for verdict in _review().verdicts}


def test_a_release_that_costs_is_stopped_stepped_back_and_undone(box: Box) -> None:
    before = {channel.short_channel_id: channel.own_policy for channel in box.channels}
    written = deliver_all(box)
    assert len(written) == 9
    live_through(box, canary_sat=60)
    release = look_again()
    assert findings()["net_revenue"] == "stop"
    assert (release.mode, release.standing.share_percent) == ("canary", 25)
    assert "net revenue of the canary against the hold-out: -39.6 % of its level" in str(release.standing.stopped_by)
    assert any(text.startswith("The release is stopped: net revenue") for text in journal("stop-rule"))
    rollbacks = deliver_all(box)
    assert {action.kind for action in rollbacks} == {ActionKind.ROLLBACK}
    assert {channel.short_channel_id: channel.own_policy for channel in box.channels} == before
    assert set(Action.objects.filter(id__in=[one.id for one in written]).values_list("state", flat=True)) == {
        ActionState.ROLLED_BACK
    }


def test_a_loss_both_groups_share_stops_nothing(box: Box) -> None:
    live_through(box, canary_sat=60, hold_out_sat=60)
    release = look_again()
    assert findings()["net_revenue"] == "silent"
    assert (release.mode, release.standing.share_percent, release.standing.stopped_by) == ("canary", 50, None)


def test_live_is_stopped_too_and_goes_back_to_the_last_step(box: Box) -> None:
    change_release(ReleaseChange(mode="live"), actor="owner")
    assert run_cycle() is not None
    began(BEGAN_AT)
    live_through(box, canary_sat=50)
    release = look_again()
    assert (release.mode, release.standing.share_percent) == ("canary", 50)


def test_from_the_first_step_and_where_the_owner_says_so_a_stop_is_a_pause(box: Box) -> None:
    change_release(ReleaseChange(mode="canary", stop_rules=StopRules(on_stop="pause")), actor="owner")
    live_through(box, canary_sat=60)
    release = look_again()
    assert (release.mode, release.standing.share_percent) == ("paused", 0)
    assert release.standing.resumes is not None
    assert promote(actor="owner").release.standing.share_percent == 50
    assert read_release().standing.stopped_by is None


def test_what_the_box_had_when_it_was_stopped_is_undone_once_it_is_seen(box: Box) -> None:
    sent = hand_over("box", now=TAKEN_AT)
    live_through(box, canary_sat=60)
    assert look_again().standing.undoing is not None
    assert not Action.objects.filter(kind=ActionKind.ROLLBACK).exists()
    for action in sent:
        report(action)
    show(box, *((action, action.policy) for action in sent), taken_at=TAKEN_AT + dt.timedelta(minutes=1))
    assert Action.objects.filter(kind=ActionKind.ROLLBACK).count() == len(sent)
    assert read_release().standing.undoing is None
    deliver_all(box)
    assert {action.state for action in Action.objects.filter(kind=ActionKind.POLICY, sent_at__isnull=False)} == {
        ActionState.ROLLED_BACK
    }
    node = OwnNode.objects.get()
    node.standing = replace(Release(node).standing, acting_since=BEGAN_AT)
    node.save()
    accept_snapshot(make_snapshot(600, box.channels, taken_at=timezone.now()))
    assert run_cycle() is not None
    assert findings()["manual_changes"] == "silent"  # what a stop takes back is not its owner's doing


def test_a_second_stop_keeps_what_the_first_one_had_still_to_undo(box: Box) -> None:
    sent = hand_over("box", now=TAKEN_AT)
    live_through(box, canary_sat=60)
    first = look_again().standing.undoing
    assert first is not None
    began(TAKEN_AT - dt.timedelta(days=5))
    for action in sent[1:]:
        report(action, success=False, error="no")
    show(box, taken_at=TAKEN_AT)
    run_cycle()
    second = read_release().standing.undoing
    assert second is not None
    assert len(journal("stop-rule")) == 2
    assert (second.since, second.until > first.until) == (first.since, True)


def test_what_a_stop_cannot_take_back_is_named_once_also_while_it_waits(box: Box) -> None:
    refused = deliver_all(box)[0]
    held = set(read_release().standing.groups.hold_out)
    free = [one for one in box.channels if one.peer_pubkey not in held]
    planned = Action.objects.filter(
        state="planned", channel_digest__in=[digest_channel(one.short_channel_id) for one in free]
    )
    approve_action(planned.exclude(channel_digest=refused.channel_digest)[0], actor="o")
    hand_over("box", now=TAKEN_AT)
    show(box, (refused, make_policy(fee_rate_ppm=4321)))
    live_through(box, canary_sat=60)
    assert look_again().standing.undoing is not None
    show(box)
    assert len([text for text in journal("rollback") if "is not taken back" in text]) == 1


def test_failed_actions_stop_it(box: Box) -> None:
    for action in hand_over("box", now=TAKEN_AT):
        report(action, success=False, error="no")
    release = look_again()
    assert findings() == {
        "net_revenue": "no data", "failed_actions": "stop", "manual_changes": "silent", "depleted_channels": "silent",
    }  # fmt: skip
    assert release.standing.share_percent == 25


def test_channels_that_run_dry_stop_it(box: Box) -> None:
    accept_snapshot(make_snapshot(2, box.channels, taken_at=BEGAN_AT + dt.timedelta(hours=1)))
    canary = set(read_release().standing.groups.canary)
    dry = [replace(one, local_balance_sat=1) if one.peer_pubkey in canary else one for one in box.channels]
    accept_snapshot(make_snapshot(3, dry, taken_at=TAKEN_AT))
    assert run_cycle() is not None
    assert read_release().standing.share_percent == 25
    assert "9 of 9 channels in the canary ran dry" in journal("stop-rule")[0]


def test_it_grows_by_rule_when_every_rule_has_data_and_is_silent(box: Box) -> None:
    change_release(ReleaseChange(mode="canary", promotion="rule"), actor="owner")
    deliver_all(box)
    live_through(box, canary_sat=110)
    release = look_again()
    assert (release.mode, release.standing.share_percent) == ("live", 100)
    assert journal("mode")[-1].startswith("Mode set to live: the stop rules were silent")


@pytest.mark.parametrize("promotion", ["explicit", "rule"])
def test_on_no_data_it_never_grows(box: Box, promotion: str) -> None:
    change_release(ReleaseChange(mode="canary", promotion=promotion), actor="owner")
    deliver_all(box)
    release = look_again()
    assert findings()["net_revenue"] == "no data"
    assert (release.mode, release.standing.share_percent) == ("canary", 50)


def test_a_release_that_was_stopped_grows_again_only_when_its_owner_lets_it(box: Box) -> None:
    change_release(ReleaseChange(mode="canary", promotion="rule"), actor="owner")
    deliver_all(box)
    live_through(box, canary_sat=110)
    node = OwnNode.objects.get()
    node.standing = replace(Release(node).standing, stopped_by="a rule")
    node.save()
    assert look_again().standing.share_percent == 50
    change_release(ReleaseChange(mode="canary"), actor="owner")
    assert read_release().standing.stopped_by is None
    assert run_cycle() is not None
    assert read_release().mode == "live"


def test_before_its_days_are_over_a_step_does_not_grow(box: Box) -> None:
    change_release(ReleaseChange(mode="canary", promotion="rule", min_days_per_step=11), actor="owner")
    deliver_all(box)
    live_through(box, canary_sat=110)
    assert look_again().standing.share_percent == 50


def test_a_node_in_shadow_is_not_judged(box: Box) -> None:
    change_release(ReleaseChange(mode="shadow"), actor="owner")
    live_through(box, canary_sat=0)
    release = look_again()
    assert (release.mode, release.standing.review) == ("shadow", None)
    assert release.standing.groups != Groups()  # who was in the canary is in it when it goes on


def test_an_owner_who_sets_fees_by_hand_all_over_the_canary_stops_it(box: Box) -> None:
    canary = set(read_release().standing.groups.canary)
    by_hand = [one.short_channel_id for one in box.channels if one.peer_pubkey in canary][:3]
    changed = [
        replace(one, own_policy=make_policy(fee_rate_ppm=777)) if one.short_channel_id in by_hand else one
        for one in box.channels
    ]
    accept_snapshot(make_snapshot(2, changed, taken_at=TAKEN_AT))
    assert run_cycle() is not None
    assert findings()["manual_changes"] == "stop"
    assert "3 of 9 channels in the canary were changed by hand" in journal("stop-rule")[0]


def test_actions_the_owner_rejects_count_as_changes_by_hand(box: Box) -> None:
    for action in Action.objects.filter(state=ActionState.APPROVED).order_by("decision_id")[:2]:
        reject_action(action, actor="owner")
    look_again()
    verdicts = {verdict.rule: verdict for verdict in _review().verdicts}
    assert verdicts["manual_changes"].value_percent == pytest.approx(22.222)
    assert verdicts["manual_changes"].finding == "silent"


def test_a_kill_switch_beats_every_mode(box: Box) -> None:
    set_switch(WHOLE_NODE, SwitchDetail("stop", None), actor="owner")
    change_release(ReleaseChange(mode="live"), actor="owner")
    assert run_cycle() is not None
    assert set(Action.objects.filter(run=latest_run()).values_list("state", flat=True)) == {ActionState.PLANNED}


def test_revenue_is_looked_at_once_a_day_and_the_rest_at_every_run(box: Box) -> None:
    live_through(box, canary_sat=100)
    look_again()
    first = _review()
    ForwardDay.objects.all().delete()
    assert run_cycle() is not None
    assert _review().revenue == first.revenue
    accept_snapshot(make_snapshot(600, box.channels, taken_at=TAKEN_AT + dt.timedelta(days=1)))
    assert run_cycle() is not None
    assert _review().revenue is None


def _review() -> Review:
    review = read_release().standing.review
    assert review is not None
    return review
