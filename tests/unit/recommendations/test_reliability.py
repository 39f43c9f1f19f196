"""Peers that are away, payments that hang, a node that is behind; and backups, which nobody can see."""

import datetime as dt

import pytest

from nodes.engine.report import PendingHtlc
from recommendations.engine.advice import Kind, Priority
from recommendations.engine.adviser import advise
from recommendations.engine.backup import advise_backup
from recommendations.engine.params import Backup, PeerOffline, PeerUnsteady, Silent, StuckHtlc
from recommendations.engine.reliability import advise_reliability
from recommendations.engine.words.tell import tell
from tests.factories import TAKEN_AT
from tests.unit.recommendations.builders import HEIGHT, make_seller, make_survey, make_surveyed

HOUR = dt.timedelta(hours=1)


def test_a_peer_that_is_away_costs_what_its_channel_earned() -> None:
    [draft] = advise_reliability(make_survey(make_surveyed(1, make_seller(), active=False)))
    assert isinstance(draft.params, PeerOffline)
    assert draft.estimate.mean == pytest.approx(50.0)
    assert draft.command == f"lncli getnodeinfo --pub_key={draft.params.channel.peer_pubkey}"


def test_a_peer_that_comes_and_goes_costs_its_share_of_the_time() -> None:
    [draft] = advise_reliability(make_survey(make_surveyed(1, make_seller(), uptime_s=800_000)))
    assert isinstance(draft.params, PeerUnsteady)
    assert draft.params.percent == 80
    assert draft.estimate.mean == pytest.approx(50.0 * 0.2 / 0.8)


def test_where_the_node_keeps_no_clock_snapshots_tell() -> None:
    unwatched = make_surveyed(1, uptime_s=None, lifetime_s=None, seen_share=0.5)
    assert len(list(advise_reliability(make_survey(unwatched)))) == 1
    unknown = make_surveyed(1, uptime_s=None, lifetime_s=None)
    assert list(advise_reliability(make_survey(unknown))) == []


@pytest.mark.parametrize(
    ("blocks", "is_active", "is_told"),
    [(17, True, False), (16, True, True), (-3, True, True), (145, False, False), (144, False, True)],
)
def test_a_payment_that_hangs_is_told_before_it_expires(blocks: int, *, is_active: bool, is_told: bool) -> None:
    htlc = PendingHtlc(incoming=True, amount_sat=700, expiration_height=HEIGHT + blocks)
    drafts = advise_reliability(make_survey(make_surveyed(1, pending_htlcs=[htlc], active=is_active)))
    assert sum(isinstance(one.params, StuckHtlc) for one in drafts) == is_told


@pytest.mark.parametrize(("incoming", "words"), [(True, "comes in by it"), (False, "leaves by it")])
def test_of_several_payments_the_one_that_expires_first_is_told(incoming: bool, words: str) -> None:
    htlcs = [
        PendingHtlc(incoming=not incoming, amount_sat=1, expiration_height=HEIGHT + 92),
        PendingHtlc(incoming=incoming, amount_sat=700, expiration_height=HEIGHT + 9),
    ]
    told = advise(make_survey(make_surveyed(1, pending_htlcs=htlcs))).advice[0]
    assert f"a payment that {words} expires in 9 blocks" in tell(told, "en").action


def test_what_endangers_money_comes_first_whatever_it_earns() -> None:
    htlc = PendingHtlc(incoming=True, amount_sat=700, expiration_height=HEIGHT)
    advised = advise(make_survey(make_surveyed(1, make_seller(), active=False, pending_htlcs=[htlc]))).advice
    assert isinstance(advised[0].params, StuckHtlc)
    assert advised[0].priority == Priority.HIGH


def test_a_silent_box_lowers_the_confidence_of_all_the_rest() -> None:
    survey = make_survey(make_surveyed(1, active=False), now=TAKEN_AT + 48 * HOUR)
    advised = advise(survey).advice
    assert any(isinstance(one.params, Silent) for one in advised)
    assert {one.confidence.value for one in advised} == {0.0}


def test_a_backup_is_due_after_an_opening_until_it_is_done() -> None:
    opened = make_surveyed(2, first_seen_at=TAKEN_AT - HOUR)
    [draft] = advise_backup(make_survey(make_surveyed(1), opened))
    assert isinstance(draft.params, Backup)
    assert (draft.params.opened, draft.params.channels, draft.params.told_at) == (1, 2, None)
    assert draft.command == "lncli exportchanbackup --all --output_file=channel.backup"
    assert list(advise_backup(make_survey(make_surveyed(1), opened, backup_told_at=TAKEN_AT))) == []
    assert len(list(advise_backup(make_survey(opened, backup_told_at=TAKEN_AT - 2 * HOUR)))) == 1


def test_advice_of_one_node_is_found_again_and_that_of_another_has_other_ids() -> None:
    channel = make_surveyed(1, active=False)
    first, again = (advise(make_survey(channel)).advice for _ in range(2))
    assert [one.id for one in first] == [one.id for one in again]
    other = advise(make_survey(channel, id_space=first[0].id)).advice
    assert {one.id for one in first} & {one.id for one in other} == set()
    left = advise(make_survey(channel), done={first[0].id})
    assert len(left.advice) == len(first) - 1
    assert {one.kind for one in left.left_out} <= set(Kind)
