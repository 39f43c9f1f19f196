"""What our node writes down during a run: its forwards, and day by day what they earned."""

import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec import Struct, structs

from nodes.engine.policy_change import PolicyChange, keep_change
from nodes.engine.report import MAX_PPM, Forward, PeerPolicy
from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.closed_loop.market import Market
from nodes.simulator.closed_loop.outcome import DEPLETED_SHARE, ChannelOutcome, Day, Outcome
from nodes.simulator.closed_loop.payment import Try
from nodes.simulator.closed_loop.world import ClosedWorld

SHOWN_DAYS = 30


class _Tally(Struct):
    """The counts of a `Day` while it lasts."""

    earned_msat: int = 0
    rebalance_msat: int = 0
    forwarded_msat: int = 0
    settled: int = 0
    failed: int = 0
    local_failed: int = 0
    tried: int = 0
    passed: int = 0
    changes: int = 0


class Books:
    def __init__(self, world: ClosedWorld) -> None:
        self._world = world
        self.forwards: list[Forward] = []
        self._forwarded_at_ms: list[int] = []  # of each forward: they are written in the order of time
        self.changes: defaultdict[str, list[PolicyChange]] = defaultdict(list)
        self._days: list[Day] = []
        self._today = _Tally()
        self._earned: Counter[str] = Counter()
        self._forwarded: Counter[str] = Counter()
        self._counted_forwards = 0  # those before belong to the warm-up

    def show_forwards(self, *, now_ms: int) -> Sequence[Forward]:
        return self.forwards[bisect_left(self._forwarded_at_ms, now_ms - SHOWN_DAYS * DAY_MS) :]

    def has_earned(self, scid: str) -> bool:
        return self._earned[scid] > 0

    def note_payment(self, tries: Sequence[Try]) -> None:
        self._today.tried += 1
        if tries and tries[-1].verdict == "passed":
            self._today.passed += 1

    def note_settled(self, tried: Try, *, now_ms: int) -> None:
        forward = self._write_forward(tried, status="settled", now_ms=now_ms)
        self._today.settled += 1
        self._today.earned_msat += forward.fee_msat
        self._today.forwarded_msat += forward.out_msat
        self._earned[forward.outgoing_scid] += forward.fee_msat
        self._forwarded[forward.outgoing_scid] += forward.out_msat

    def note_failure(self, tried: Try, *, now_ms: int) -> None:
        """A failure before our node is not seen by it, and one for a fee too low is no want of balance."""
        if tried.hop < tried.route.own_hop or (tried.hop == tried.route.own_hop and tried.verdict != "no_liquidity"):
            return
        is_local = tried.hop == tried.route.own_hop
        self._write_forward(tried, status="local_failed" if is_local else "failed", now_ms=now_ms)
        self._today.failed += 1
        self._today.local_failed += is_local

    def note_change(self, scid: str, present: PeerPolicy | None, *, new: PeerPolicy, now_ms: int) -> None:
        self._today.changes += 1
        if present is not None and present.fee_rate_ppm != new.fee_rate_ppm:
            change = PolicyChange(
                at=tell_instant(now_ms),
                by="engine",
                old_fee_rate_ppm=min(present.fee_rate_ppm, MAX_PPM),
                new_fee_rate_ppm=new.fee_rate_ppm,
                old_inbound_fee_rate_ppm=present.inbound_fee_rate_ppm,
                new_inbound_fee_rate_ppm=new.inbound_fee_rate_ppm,
            )
            self.changes[scid] = keep_change(self.changes[scid], change)

    def note_rebalance(self, cost_msat: int) -> None:
        self._today.rebalance_msat += cost_msat

    def end_day(self, market: Market, *, counts: bool) -> None:
        today, self._today = self._today, _Tally()
        if not counts:
            self._counted_forwards = len(self.forwards)
            self._earned.clear()
            self._forwarded.clear()
            return
        shares = measure_local_shares(market)
        capacity = sum(market.ledger.capacities[d >> 1] for d in market.network.own_directions.values())
        local = sum(market.ledger.balances[d] for d in market.network.own_directions.values())
        day = Day(
            **structs.asdict(today),
            depleted_share=sum(share < DEPLETED_SHARE for share in shares.values()) / max(1, len(shares)),
            local_share=local / max(1, capacity),
        )
        self._days.append(day)

    def close(self, market: Market, *, policy: str, competitors: str) -> Outcome:
        network = market.network
        shares = measure_local_shares(market)
        counted = [forward for forward in self.forwards[self._counted_forwards :] if forward.status == "settled"]
        return Outcome(
            policy=policy,
            pubkey=network.pubkeys[network.own],
            seed=self._world.seed,
            competitors=competitors,
            days=self._days,
            channels={
                scid: ChannelOutcome(
                    earned_msat=self._earned[scid],
                    forwarded_msat=self._forwarded[scid],
                    local_share=shares[scid],
                    fee_rate_ppm=present.fee_rate_ppm if (present := market.policies[direction]) else None,
                )
                for scid, direction in network.own_directions.items()
            },
            amounts_sat=[forward.out_msat // 1000 for forward in counted],
            effective_ppm=[forward.fee_msat * 1_000_000 // max(1, forward.out_msat) for forward in counted],
        )

    def _write_forward(self, tried: Try, *, status: str, now_ms: int) -> Forward:
        hop, scids = tried.route.own_hop, self._world.network.scids
        in_msat, out_msat = tried.amounts_msat[hop - 1], tried.amounts_msat[hop]
        forward = Forward(
            id=str(len(self.forwards)),
            incoming_scid=scids[tried.route.directions[hop - 1] >> 1],
            outgoing_scid=scids[tried.route.directions[hop] >> 1],
            in_msat=in_msat,
            out_msat=out_msat,
            fee_msat=in_msat - out_msat,
            settled_at=tell_instant(now_ms),
            status=status,  # type: ignore[arg-type]
        )
        self.forwards.append(forward)
        self._forwarded_at_ms.append(now_ms)
        return forward


def tell_instant(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)


def measure_local_shares(market: Market) -> dict[str, float]:
    """What is ours of each of our channels, 0..1, by short_channel_id."""
    ledger = market.ledger
    return {
        scid: ledger.balances[direction] / ledger.capacities[direction >> 1]
        for scid, direction in market.network.own_directions.items()
    }
