"""Whose change it was, from one snapshot to the next."""

import datetime as dt

from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.models.action import Action
from nodes.models.channel import Channel, digest_channel
from nodes.models.journal import JournalEntry
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot, load_facts
from nodes.selectors.decision import latest_run
from tenants.context import enter_tenant
from tests.factories import TAKEN_AT, Box, make_channel, make_forward, make_policy, make_snapshot

SCID = "800000x1x0"


def report(box: Box, seq: int, *channels: ChannelState) -> None:
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot(seq, list(channels)))


def list_authors(box: Box, scid: str = SCID) -> list[str]:
    with enter_tenant(box.tenant):
        return [change.by for change in Channel.objects.get(digest=digest_channel(scid)).changes]


def list_lines(box: Box) -> list[str]:
    with enter_tenant(box.tenant):
        return [entry.detail.text for entry in JournalEntry.objects.filter(kind="manual-change").order_by("id")]


def with_fee(fee_rate_ppm: int, number: int = 1, **fields: object) -> ChannelState:
    return make_channel(number, own_policy=make_policy(fee_rate_ppm=fee_rate_ppm, **fields))


def hand_over_first(box: Box) -> ChannelPolicy:
    """The policy of the action planned for the first channel, as if the box had it now."""
    with enter_tenant(box.tenant):
        action = Action.objects.get(channel_digest=digest_channel(SCID), state="planned")
        Action.objects.filter(id=action.id).update(state="sent", sent_at=action.created_at)
        return action.policy


def test_a_change_nobody_here_made_is_the_owners_and_a_line_in_the_journal(alice: Box) -> None:
    report(alice, 2, with_fee(444), make_channel(2))

    assert list_authors(alice) == ["owner"]
    assert list_authors(alice, "800000x2x0") == []
    assert list_lines(alice) == ["Somebody else changed the policy of 1 channel: 800000x1x0 (fee rate 300 to 444 ppm)"]


def test_a_change_that_an_action_wrote_is_ours_with_what_it_may_cost(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        accept_forwards([make_forward(100)], None)  # four days of history: what a change may cost is known
        run_cycle()
    written = hand_over_first(alice)
    report(alice, 2, make_channel(1, own_policy=written), make_channel(2))

    with enter_tenant(alice.tenant):
        [change] = Channel.objects.get(digest=digest_channel(SCID)).changes
        decision = latest_run().decisions.get(channel_digest=digest_channel(SCID))  # type: ignore[union-attr]
    assert (change.by, change.old_fee_rate_ppm, change.new_fee_rate_ppm) == ("engine", 300, written.fee_rate_ppm)
    assert decision.outcome.effect is not None
    assert change.expected_loss_msat >= -1000 * decision.outcome.effect.low_sat_per_day > 0
    assert list_lines(alice) == []


def test_a_change_on_its_way_counts_before_a_snapshot_shows_it(alice: Box) -> None:
    written = hand_over_first(alice)
    with enter_tenant(alice.tenant):
        facts = load_facts()
        assert facts is not None
    [change] = facts.changes[SCID]

    assert (change.by, change.new_fee_rate_ppm) == ("engine", written.fee_rate_ppm)
    assert change.at < facts.snapshot.taken_at
    assert facts.changes["800000x2x0"] == []
    assert list_authors(alice) == []


def test_another_policy_than_the_one_we_sent_is_the_owners(alice: Box) -> None:
    written = hand_over_first(alice)
    report(alice, 2, with_fee(written.fee_rate_ppm + 1), make_channel(2))

    assert list_authors(alice) == ["owner"]


def test_what_a_node_does_by_itself_is_no_manual_change(alice: Box) -> None:
    report(alice, 2, with_fee(300, disabled=True), make_channel(2))

    assert list_authors(alice) == ["node"]
    assert list_lines(alice) == []


def test_the_next_run_holds_the_channel_and_says_why(alice: Box) -> None:
    report(alice, 2, with_fee(444), make_channel(2, local_balance_sat=100_000))
    with enter_tenant(alice.tenant):
        run = run_cycle()
        assert run is not None
        held = {decision.inputs.channel.short_channel_id: decision.outcome for decision in run.decisions.all()}

    assert (held[SCID].held_by, held[SCID].direction) == ("manual_change", "keep")
    assert "somebody else changed it 0 s ago, and that holds until " in held[SCID].reason
    assert held["800000x2x0"].held_by is None


def test_many_manual_changes_at_once_are_one_line(alice: Box) -> None:
    report(alice, 2, *(with_fee(300, number) for number in range(1, 15)))
    report(alice, 3, *(with_fee(200 + number, number) for number in range(1, 15)))

    [line] = list_lines(alice)
    assert line.startswith("Somebody else changed the policy of 14 channels: 800000x1x0 (fee rate 300 to 201 ppm)")
    assert line.endswith(" and 4 more")


def test_a_channel_first_seen_knows_when_it_was_announced_last(alice: Box) -> None:
    announced_at = TAKEN_AT - dt.timedelta(hours=5)
    report(alice, 2, with_fee(300, 9, last_update=int(announced_at.timestamp())))

    with enter_tenant(alice.tenant):
        [change] = Channel.objects.get(digest=digest_channel("800000x9x0")).changes
    assert (change.by, change.at) == ("unknown", announced_at)


def test_a_repeated_report_changes_no_history(alice: Box) -> None:
    report(alice, 2, with_fee(444), make_channel(2))
    report(alice, 2, with_fee(444), make_channel(2))

    assert list_authors(alice) == ["owner"]
    assert len(list_lines(alice)) == 1
