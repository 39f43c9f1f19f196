"""The realism gate: does a simulated node look like a real one? Where it does not, nothing may be claimed.

The real node is one public routing node with 85 channels (12,942 forwards of 2019 to 2025). The bands were written down
before the final model, but its demand was calibrated on the channel graph of 2024-09-22 with these figures in sight: on
that graph a passed gate shows that the calibration held, and only on others is it a test. The bands: a factor of 4 for
amounts and of 3 for effective fees (the real node's monthly mean swings by 4.5), half to double for the variance and
the ten best channels, elasticity as published, a factor of 5 for failures, whose real figure is of 2019 to 2024.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, median, pvariance

from msgspec import Struct

from nodes.simulator.closed_loop.contender import AS_IS, PROBE_FACTORS, make_probe
from nodes.simulator.closed_loop.outcome import Outcome

PROVENANCE = (
    "The bands were written down before the final model. Its demand was calibrated on the graph of 2024-09-22 with "
    "these figures in sight, so on that graph a passed gate shows that the calibration held, and only on others is it "
    "a test."
)
LEAST_CHANNELS = 15  # smaller nodes are no likeness of one with 85 channels
LEAST_PPM = 100  # nor is one that asks nearly nothing
LARGE_NODE_CHANNELS = 60  # of which ten channels are a small part
REAL_AMOUNTS_SAT = {0.25: 8_819, 0.5: 35_878, 0.75: 92_761, 0.95: 340_463}
REAL_PPM = {0.1: 58, 0.25: 104, 0.5: 209, 0.75: 449, 0.9: 1_254}
REAL_DISPERSION, REAL_TOP_TEN, REAL_FAILED = 14.8, 0.38, 28.0


class Check(Struct, frozen=True, kw_only=True):
    """`measured` None: no data, which is not passed."""

    name: str
    measured: float | None
    low: float
    high: float

    @property
    def is_passed(self) -> bool:
        return self.measured is not None and self.low <= self.measured <= self.high

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "no data"
        return "passed" if self.is_passed else "not passed"


def judge_realism(checks: Sequence[Check]) -> bool | None:
    """Whether the gate is passed; None: nothing speaks against it, but some figures have no data."""
    if any(check.verdict == "not passed" for check in checks):
        return False
    return True if checks and all(check.is_passed for check in checks) else None


def check_realism(outcomes: Sequence[Outcome]) -> list[Check]:
    """Over the runs that leave fees as they are, of nodes that may be likened to the real one."""
    alike = _find_alike(outcomes)
    runs = [outcome for outcome in outcomes if outcome.policy == AS_IS and outcome.pubkey in alike]
    amounts = sorted(amount for run in runs for amount in run.amounts_sat)
    rates = sorted(rate for run in runs for rate in run.effective_ppm)
    large = [run for run in runs if len(run.channels) >= LARGE_NODE_CHANNELS]
    return [
        *(_check_factor(f"amount p{share * 100:g}, sat", _quantile(amounts, share), real=real, factor=4)
          for share, real in REAL_AMOUNTS_SAT.items()),
        *(_check_factor(f"effective fee p{share * 100:g}, ppm", _quantile(rates, share), real=real, factor=3)
          for share, real in REAL_PPM.items()),
        _check_factor("variance / mean of daily forwards", _find_dispersion(runs), real=REAL_DISPERSION, factor=2),
        _check_factor("share of fees of the ten best channels", _find_top_ten(large), real=REAL_TOP_TEN, factor=2),
        Check(name="elasticity of volume, median of nodes", measured=find_elasticity(outcomes, alike),
              low=-1.2, high=-0.4),
        _check_factor("failed : settled", _find_failed(runs), real=REAL_FAILED, factor=5),
    ]  # fmt: skip


def _find_alike(outcomes: Sequence[Outcome]) -> set[str]:
    return {
        outcome.pubkey
        for outcome in outcomes
        if outcome.policy == AS_IS
        and len(outcome.channels) >= LEAST_CHANNELS
        and median(channel.fee_rate_ppm or 0 for channel in outcome.channels.values()) >= LEAST_PPM
    }


def find_elasticity(outcomes: Sequence[Outcome], pubkeys: set[str]) -> float | None:
    """Arc elasticity of the volume between all fees x 0.75 and x 1.5: the median of the nodes. None: not probed."""
    low_name, high_name = (make_probe(factor).name for factor in PROBE_FACTORS)
    volumes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for outcome in outcomes:
        if outcome.pubkey in pubkeys:
            volumes[outcome.pubkey][outcome.policy] += sum(day.forwarded_msat for day in outcome.days)
    arcs = [
        math.log(by_policy[high_name] / by_policy[low_name]) / math.log(PROBE_FACTORS[1] / PROBE_FACTORS[0])
        for by_policy in volumes.values()
        if by_policy[low_name] and by_policy[high_name]
    ]
    return median(arcs) if arcs else None


def _check_factor(name: str, measured: float | None, *, real: float, factor: float) -> Check:
    return Check(name=name, measured=measured, low=real / factor, high=real * factor)


def _quantile(ordered: Sequence[int], share: float) -> float | None:
    return float(ordered[int(share * (len(ordered) - 1))]) if ordered else None


def _find_dispersion(runs: Sequence[Outcome]) -> float | None:
    counts = [[day.settled for day in run.days] for run in runs]
    ratios = [pvariance(days) / fmean(days) for days in counts if sum(days)]
    return fmean(ratios) if ratios else None


def _find_top_ten(runs: Sequence[Outcome]) -> float | None:
    shares = []
    for run in runs:
        earned = sorted((channel.earned_msat for channel in run.channels.values()), reverse=True)
        if sum(earned):
            shares.append(sum(earned[:10]) / sum(earned))
    return fmean(shares) if shares else None


def _find_failed(runs: Sequence[Outcome]) -> float | None:
    settled = sum(day.settled for run in runs for day in run.days)
    return sum(day.failed for run in runs for day in run.days) / settled if settled else None
