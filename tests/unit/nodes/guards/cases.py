"""Cases for the tests of guards: an ordinary one, and any one there may be."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.document import Limits
from nodes.engine.guards.case import GuardCase
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelPolicy
from nodes.engine.types import Effect
from nodes.engine.wish import Wish

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
POLICY = ChannelPolicy(
    base_fee_msat=1000, fee_rate_ppm=800, time_lock_delta=80, min_htlc_msat=1000, max_htlc_msat=990_000_000
)
LIMITS = Limits()
SETTINGS = GuardSettings()


def make_case(*, present: ChannelPolicy = POLICY, **changes: Any) -> GuardCase:
    return GuardCase(**{"now": NOW, "present": present, "limits": LIMITS} | changes)


def make_wish(fee_rate_ppm: int | None = None, **fields: Any) -> Wish:
    return Wish(rule="test", reason="Because", terms="test", fee_rate_ppm=fee_rate_ppm, **fields)


def make_policy(**fields: Any) -> ChannelPolicy:
    return replace(POLICY, **fields)


def make_change(ago: dt.timedelta, old_ppm: int | None = 700, new_ppm: int = 800, **fields: Any) -> PolicyChange:
    given = {"by": "engine", "old_fee_rate_ppm": old_ppm, "new_fee_rate_ppm": new_ppm} | fields
    return PolicyChange(at=NOW - ago, **given)


def make_effect(sat_per_day: float, *, low: float | None = None) -> Effect:
    low = sat_per_day if low is None else low
    return Effect(sat_per_day=sat_per_day, low_sat_per_day=low, high_sat_per_day=sat_per_day, basis="test")


rates = st.integers(0, 10_000) | st.integers(0, 1_000_000)
inbound_rates = st.integers(-3_000, 100) | st.integers(-1_000_000, 1_000_000)
bases = st.integers(0, 5_000) | st.integers(0, 2**32 - 1)
inbound_bases = st.integers(-5_000, 100) | st.integers(-(2**31), 2**31 - 1)
policies = st.builds(
    ChannelPolicy,
    base_fee_msat=bases,
    fee_rate_ppm=rates,
    time_lock_delta=st.integers(0, 65_535),
    min_htlc_msat=st.integers(0, 10_000),
    max_htlc_msat=st.integers(10_000, 10**12),
    disabled=st.booleans(),
    inbound_base_fee_msat=inbound_bases,
    inbound_fee_rate_ppm=inbound_rates,
    last_update=st.none() | st.integers(0, 2**32 - 1),
)
wishes = st.builds(
    make_wish,
    st.none() | rates,
    base_fee_msat=st.none() | bases,
    inbound_fee_rate_ppm=st.none() | inbound_rates,
    inbound_base_fee_msat=st.none() | inbound_bases,
    time_lock_delta=st.none() | st.integers(0, 65_535),
    min_htlc_msat=st.none() | st.integers(0, 10**6),
    max_htlc_msat=st.none() | st.integers(0, 10**12),
    disabled=st.none() | st.booleans(),
)
ages = st.timedeltas(dt.timedelta(0), dt.timedelta(minutes=20)) | st.timedeltas(dt.timedelta(0), dt.timedelta(days=9))


@st.composite
def histories(draw: st.DrawFn) -> list[PolicyChange]:
    """As they are kept: oldest first, one rate after the other."""
    moments = sorted(draw(st.lists(ages, max_size=20)), reverse=True)
    before: int | None = draw(st.none() | rates)
    changes = []
    for age in moments:
        after = draw(rates)
        by = draw(st.sampled_from(["engine", "owner", "node"])) if before is not None else "unknown"
        changes.append(make_change(age, before, after, by=by, expected_loss_msat=draw(st.integers(0, 10**7))))
        before = after
    return changes


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    lowest, highest = sorted([draw(rates), draw(rates)])
    lowest_base, highest_base = sorted([draw(bases), draw(bases)])
    return Limits(
        min_fee_rate_ppm=lowest,
        max_fee_rate_ppm=highest,
        min_base_fee_msat=draw(st.none() | st.just(lowest_base)),
        max_base_fee_msat=draw(st.none() | st.just(highest_base)),
        min_change_ppm=draw(st.integers(0, 50)),
        max_step_ppm=draw(st.none() | st.integers(1, 2_000)),
        cooldown_s=draw(st.just(0) | st.integers(0, 100_000)),
        smoothing=draw(st.none() | st.floats(0.01, 1)),
    )


settings_sections = st.builds(
    GuardSettings,
    manual_hold_s=st.just(0) | st.integers(0, 900_000),
    max_reversals=st.integers(0, 20),
    reversal_window_s=st.integers(0, 900_000),
    gossip=st.sampled_from(["node", "lnd", "cln", "none"]),
    max_changes_per_day_channel=st.none() | st.integers(0, 20),
    allow_positive_inbound=st.booleans(),
)


@st.composite
def cases(draw: st.DrawFn, **fixed: Any) -> GuardCase:
    drawn = {
        "present": draw(policies),
        "limits": draw(limits()),
        "settings": draw(settings_sections),
        "changes": draw(st.just([]) | histories()),
        "implementation": draw(st.sampled_from(["lnd", "cln"])),
        "wait_s": draw(st.just(0) | st.integers(0, 100_000)),
    }
    return GuardCase(now=NOW, **drawn | fixed)
