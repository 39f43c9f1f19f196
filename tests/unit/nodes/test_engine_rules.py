"""Matchers, the order of rules, values, limits and the clock."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from nodes.engine.charge_lnd.reader import read_charge_lnd
from nodes.engine.cycle import ChannelInput, CycleInput, FlowWindow, SharedSum
from nodes.engine.decision import decide_node, price_node
from nodes.engine.document import FeePolicy, Limits
from nodes.engine.limits import find_limits
from nodes.engine.prepare import NodeFacts, find_lookback, prepare_run
from nodes.engine.report import NodeSnapshot, PeerPolicy, PendingHtlc
from nodes.engine.wish import Wish
from tests.unit.nodes.engine_builders import (
    NODE,
    NOW,
    PEER,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_position,
)

PEER_POLICY = PeerPolicy(base_fee_msat=0, fee_rate_ppm=371, time_lock_delta=40, min_htlc_msat=1, max_htlc_msat=10**9)
STATIC = {"strategy": "static"}


def read_policy(**document: Any) -> FeePolicy:
    return msgspec.convert(document, FeePolicy)


def price(given: ChannelInput, *rules: dict[str, Any], cycle: CycleInput | None = None) -> tuple[str, Wish] | None:
    """The section and the wish of the rule that prices the channel; None: none does."""
    tags: dict[str, list[str]] = {"friends": [], "others": []}
    policy = read_policy(rules=list(rules), tags=tags, bars={"private": False, "inactive": False, "unannounced": False})
    [priced], _ = price_node(msgspec.structs.replace(cycle or make_cycle(), policy=policy), [given])
    return None if priced.site is None or priced.wish is None else (priced.site.section, priced.wish)


def matches(match: dict[str, Any], given: ChannelInput, **changes: Any) -> bool:
    rule = {"name": "it", "match": match, "strategy": STATIC}
    return price(given, rule, cycle=make_cycle(**changes)) is not None


CHANNEL = make_channel(
    short_channel_id="800000x1x0",
    capacity_sat=1_000_000,
    local_balance_sat=600_000,
    remote_balance_sat=390_000,
    commit_fee_sat=0,
    initiator=True,
    peer_policy=PEER_POLICY,
    pending_htlcs=[PendingHtlc(incoming=False, amount_sat=10_000, expiration_height=920_100)],
)
GIVEN = make_input(
    CHANNEL,
    position=make_position(channel_count=30, capacity_sat=60_000_000),
    tags=["friends"],
    windows={86_400: FlowWindow(is_covered=True, htlcs_in=1, htlcs_out=3, in_sat=100, out_sat=300)},
    peer={
        "active": SharedSum(channels=2, local_sat=600, remote_sat=400),
        "inactive": SharedSum(channels=1, local_sat=0, remote_sat=1_000),
    },
)
ACTIVITY = {"period_s": 86_400}
INCLUSIVE = [  # (where, quantity, its value, the least step beside it)
    ((), "ratio", 0.61, 0.001),
    ((), "capacity_sat", 1_000_000, 1),
    ((), "local_sat", 610_000, 1),
    ((), "remote_sat", 390_000, 1),
    ((), "age_blocks", 120_000, 1),
    ((), "peer_base_fee_msat", 0, 1),
    ((), "peer_fee_rate_ppm", 371, 1),
    ((), "pending_htlcs", 1, 1),
    ((), "next_expiry_blocks", 100, 1),
    (("peer",), "channels", 30, 1),
    (("peer",), "capacity_sat", 60_000_000, 1),
    (("peer",), "shared_channels_active", 2, 1),
    (("peer",), "shared_channels_inactive", 1, 1),
    (("peer",), "shared_capacity_active_sat", 1_000, 1),
    (("peer",), "shared_capacity_inactive_sat", 1_000, 1),
    (("peer",), "shared_ratio", 0.3, 0.001),
    (("peer",), "shared_ratio_active", 0.6, 0.001),
    (("activity",), "htlcs_in", 1, 1),
    (("activity",), "htlcs_out", 3, 1),
    (("activity",), "sat_in", 100, 1),
    (("activity",), "sat_out", 300, 1),
    (("activity",), "htlcs_ratio", 0.25, 0.001),
    (("activity",), "sat_ratio", 0.25, 0.001),
    (("onchain",), "sat_per_vbyte", 10.0, 0.1),
]


@pytest.mark.parametrize(("where", "name", "value", "step"), INCLUSIVE, ids=str)
def test_every_bound_is_inclusive(where: tuple[str, ...], name: str, value: float, step: float) -> None:
    def holds(**bounds: float) -> bool:
        inner = bounds | (ACTIVITY if where == ("activity",) else {})
        node = msgspec.structs.replace(NODE, onchain_fees={6: 10.0})
        return matches({where[0]: inner} if where else inner, GIVEN, node=node)

    assert holds(**{f"min_{name}": value, f"max_{name}": value})
    assert not holds(**{f"min_{name}": value + step})
    assert value == 0 or not holds(**{f"max_{name}": value - step})


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        ({"channels": ["800000x1x0"]}, True),
        ({"channels": ["800000x2x0"]}, False),
        ({"channels": []}, False),
        ({"peer": {"pubkeys": [PEER]}}, True),
        ({"peer": {"pubkeys": []}}, False),
        ({"tags": ["others", "friends"]}, True),
        ({"tags": ["others"]}, False),
        ({"initiator": True, "private": False, "active": True}, True),
        ({"initiator": False}, False),
        ({"private": True}, False),
        ({"peer_disabled": False}, True),
        ({"peer_disabled": True}, False),
        ({"onchain": {"synced_to_chain": True}}, True),
        ({"onchain": {"synced_to_chain": False}}, False),
    ],
)
def test_names_tags_and_flags_match(match: dict[str, Any], holds: bool) -> None:
    assert matches(match, GIVEN) is holds


@pytest.mark.parametrize(
    "match",
    [
        {"max_peer_fee_rate_ppm": 1_000_000},
        {"peer_disabled": False},
        {"peer": {"min_channels": 0}},
        {"min_ratio": 0.0},
        {"onchain": {"min_sat_per_vbyte": 0.0}},
        {"activity": {"period_s": 86_400, "max_htlcs_out": 0}},
        {"min_next_expiry_blocks": -1_000_000},
    ],
)
def test_what_is_not_known_lies_within_no_bound(match: dict[str, Any]) -> None:
    empty = make_channel(local_balance_sat=0, remote_balance_sat=0, peer_policy=None)
    uncovered = {86_400: FlowWindow(is_covered=False)}

    assert not matches(match, make_input(empty, windows=uncovered))


def test_activity_waits_for_a_channel_to_be_as_old_as_its_period() -> None:
    young = make_input(make_channel(short_channel_id="919900x1x0"), windows={86_400: FlowWindow(is_covered=True)})

    assert not matches({"activity": {"period_s": 86_400, "max_htlcs_out": 0}}, young)
    assert matches({"activity": {"period_s": 86_400, "max_htlcs_out": 0, "ignore_age": True}}, young)


def test_rules_without_a_strategy_collect_values_for_the_one_that_is_final() -> None:
    priced = price(
        GIVEN,
        {"name": "base", "values": {"base_fee_msat": 7, "fee_rate_ppm": 1}},
        {"name": "elsewhere", "match": {"private": True}, "values": {"base_fee_msat": 9}},
        {"name": "first", "strategy": STATIC, "values": {"fee_rate_ppm": 2}},
        {"name": "second", "strategy": STATIC, "values": {"fee_rate_ppm": 3}},
    )

    assert priced is not None
    section, wish = priced
    assert (section, wish.base_fee_msat, wish.fee_rate_ppm) == ("first", 7, 2)


def test_a_channel_no_rule_prices_is_left_alone_and_says_so() -> None:
    policy = read_policy(rules=[{"name": "leaf", "match": {"private": True}, "strategy": STATIC}])
    [decision] = decide_node(make_cycle(policy), [GIVEN]).decisions

    assert (decision.rule, decision.section, decision.proposed_policy) == ("kept/unmatched", None, CHANNEL.own_policy)


def test_values_fill_what_another_strategy_leaves_open() -> None:
    priced = price(GIVEN, {"name": "flow", "strategy": {"strategy": "flow"}, "values": {"time_lock_delta": 144}})

    assert priced is not None
    assert priced[1].time_lock_delta == 144


def test_the_narrowest_limit_speaks_field_by_field() -> None:
    table = read_policy(
        tags={"friends": [], "others": []},
        limits={
            "node": {"max_fee_rate_ppm": 1000, "cooldown_s": 10},
            "tags": {"friends": {"max_fee_rate_ppm": 500}, "others": {"max_fee_rate_ppm": 400, "cooldown_s": 60}},
            "peers": {PEER: {"max_step_ppm": 5}},
            "channels": {"800000x1x0": {"min_fee_rate_ppm": 450}},
        },
    ).limits

    assert find_limits(table, make_input()) == Limits(
        min_fee_rate_ppm=450, max_fee_rate_ppm=1000, max_step_ppm=5, cooldown_s=10
    )
    both = msgspec.structs.replace(GIVEN, tags=["friends", "others"])
    assert find_limits(table, both) == Limits(min_fee_rate_ppm=450, max_fee_rate_ppm=450, max_step_ppm=5, cooldown_s=60)


@pytest.mark.parametrize(
    ("now", "ppm"),
    [
        ("2026-03-02T06:59+00:00", 200),  # Monday 07:59 in Paris
        ("2026-03-02T07:00+00:00", 400),
        ("2026-03-02T16:59+00:00", 400),
        ("2026-03-02T17:00+00:00", 200),
        ("2026-03-01T08:00+00:00", 200),  # Sunday
        ("2026-03-06T22:30+00:00", 55),  # Friday night
        ("2026-03-07T04:59+00:00", 55),  # that night, by then Saturday
        ("2026-03-07T22:30+00:00", 200),
        ("2026-07-06T06:00+00:00", 400),  # summer time
    ],
)
def test_fees_follow_the_clock_of_their_time_zone(now: str, ppm: int) -> None:
    slots = [
        {"weekdays": [0, 1, 2, 3, 4], "since": "08:00", "until": "18:00", "factor": 2.0},
        {"weekdays": [4], "since": "23:00", "until": "06:00", "values": {"fee_rate_ppm": 55}},
    ]
    strategy = {"strategy": "time_of_day", "time_zone": "Europe/Paris", "slots": slots}
    cycle = make_cycle(now=dt.datetime.fromisoformat(now))
    priced = price(GIVEN, {"name": "it", "strategy": strategy, "values": {"fee_rate_ppm": 200}}, cycle=cycle)

    assert priced is not None
    assert (priced[1].fee_rate_ppm, priced[1].rule) == (ppm, "time_of_day/static")


def test_a_tag_names_channels_and_peers_with_all_of_theirs() -> None:
    other = make_channel(short_channel_id="800001x1x0", peer_pubkey="03" + "cd" * 32)
    rules = [{"name": "mine", "match": {"tags": ["mine"]}, "strategy": STATIC}]
    policy = read_policy(tags={"mine": [PEER], "theirs": ["800001x1x0"]}, rules=rules)
    snapshot = NodeSnapshot(seq=1, taken_at=NOW, node=NODE, channels=[CHANNEL, other])
    cycle, inputs = prepare_run(NodeFacts(snapshot=snapshot, forwards=[], history_since=None, policy=policy))

    assert [given.tags for given in inputs] == [["mine"], ["theirs"]]
    assert [one.site is not None for one in price_node(cycle, inputs)[0]] == [True, False]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"tags": {"mine": ["garbage"]}}, r"tags\[\.\.\.\]\[0\]"),
        ({"rules": [{"name": "a", "match": {"tags": ["typo"]}}]}, "rules/0/match/tags: 'typo' is not among"),
        ({"limits": {"tags": {"typo": {"cooldown_s": 1}}}}, "limits/tags: 'typo' is not among"),
        ({"rules": [{"name": "a"}, {"name": "a"}]}, "rules/1/name: another rule has this name"),
    ],
)
def test_names_that_lead_nowhere_are_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        read_policy(**document)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "localtime", "Factory", "right/UTC", "Europe"])
def test_a_time_zone_that_does_not_exist_is_refused(name: str) -> None:
    strategy = {"strategy": "time_of_day", "time_zone": name, "slots": []}

    with pytest.raises(msgspec.ValidationError, match="there is no time zone of this name"):
        read_policy(rules=[{"name": "it", "strategy": strategy}])


def test_a_list_that_is_missing_leaves_the_channels_that_come_this_far_alone() -> None:
    config = "[pool]\nchan.id = file:///pool.txt\nstrategy = static\nfee_ppm = 1\n[default]\nstrategy = static\n"
    sections = []
    for files in ({}, {"pool.txt": "1x1x1"}, {"pool.txt": "800000x1x0 # sold"}):
        [priced], _ = price_node(make_cycle(read_charge_lnd(config, files).document), [GIVEN])
        assert priced.site is not None
        assert priced.wish is not None
        sections.append((priced.site.section, priced.wish.rule))

    assert sections == [("pool", "ignore"), ("default", "static"), ("pool", "static")]


def test_a_nested_configuration_decides_with_its_own_values_and_names_both() -> None:
    config = "[outer]\nbase_fee_msat = 9\nstrategy = use_config\nconfig_file = inner.config\n"
    files = {"inner.config": "[inner]\nchan.min_capacity = 1\nstrategy = static\nfee_ppm = 3\n"}
    [priced], _ = price_node(make_cycle(read_charge_lnd(config, files).document), [GIVEN])

    assert priced.site is not None
    assert priced.wish is not None
    assert (priced.site.section, priced.wish.fee_rate_ppm) == ("inner (from inner.config)", 3)
    assert priced.wish.base_fee_msat is None


def test_forwards_are_read_as_far_back_as_any_rule_looks_nested_ones_included() -> None:
    config = "[default]\nstrategy = use_config\nconfig_file = inner.config\n"
    files = {"inner.config": "[quiet]\nchan.activity_period = 14d\nchan.max_htlcs_out = 0\nstrategy = static\n"}

    assert find_lookback(FeePolicy()) == dt.timedelta(days=7)
    assert find_lookback(read_charge_lnd(config, files).document) == dt.timedelta(days=14)


def test_an_entry_that_lost_its_comma_matches_nobody_and_is_told() -> None:
    """As in charge-lnd's own example, where two keys became one entry."""
    config = f"[drains]\nnode.id = {PEER}\n  {PEER}\nstrategy = static\nfee_ppm = 3500\n"
    imported = read_charge_lnd(config, {})

    assert not matches(msgspec.to_builtins(imported.document.rules[0].match), GIVEN)
    assert "a comma missing?" in imported.sections[0].notes[0]


def test_a_largest_payment_by_the_capacity_stays_within_the_channel_and_needs_its_reserve() -> None:
    rule = {"name": "it", "strategy": STATIC, "values": {"max_htlc_ratio": 0.5, "max_htlc_msat": 600_000_000}}
    known = make_input(make_channel(remote_reserve_sat=10_000, own_policy=make_policy()))

    priced, unknown = price(known, rule), price(make_input(), rule)
    assert priced is not None
    assert unknown is not None
    assert (priced[1].max_htlc_msat, unknown[1].max_htlc_msat) == (495_000_000, 600_000_000)
