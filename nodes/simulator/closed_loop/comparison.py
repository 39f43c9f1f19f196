"""What the outcomes say: paired differences with bootstrap intervals, and what may be claimed."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from msgspec import Struct

from nodes.simulator.closed_loop.contender import AS_IS, CLAIM_BASELINES, OWN, list_names
from nodes.simulator.closed_loop.outcome import Outcome
from nodes.simulator.seed import seed_random

RESAMPLES = 2_000

Key = tuple[str, int]  # a node's pubkey and a seed: what two policies are compared on


class Interval(Struct, frozen=True, kw_only=True):
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


class Summary(Struct, frozen=True, kw_only=True):
    """One policy over all its runs. `success`: payments that arrived of those tried, by any way."""

    policy: str
    runs: int
    net_sat_per_day: Interval
    earned_sat_per_day: float
    rebalance_sat_per_day: float
    volume_sat_per_day: float
    settled_per_day: float
    success: float
    depleted_share: float
    changes_per_day: float
    cpu_s_per_run: float


class Difference(Struct, frozen=True, kw_only=True):
    """`policy` less `baseline`, in net sat a day, pair by pair. `by_node`: the interval when whole nodes are drawn."""

    policy: str
    baseline: str
    pairs: int
    wins: int
    interval: Interval
    by_node: Interval
    per_node: dict[str, float]


def summarise(outcomes: Sequence[Outcome]) -> list[Summary]:
    """One a policy, in the order in which they first appear."""
    by_policy: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_policy.setdefault(outcome.policy, []).append(outcome)
    return [_summarise(policy, runs) for policy, runs in by_policy.items()]


def _summarise(policy: str, runs: Sequence[Outcome]) -> Summary:
    days = [day for run in runs for day in run.days]
    tried = sum(day.tried for day in days)
    return Summary(
        policy=policy,
        runs=len(runs),
        net_sat_per_day=bootstrap([run.net_sat_per_day for run in runs]),
        earned_sat_per_day=fmean(day.earned_msat for day in days) / 1000,
        rebalance_sat_per_day=fmean(day.rebalance_msat for day in days) / 1000,
        volume_sat_per_day=fmean(day.forwarded_msat for day in days) / 1000,
        settled_per_day=fmean(day.settled for day in days),
        success=sum(day.passed for day in days) / tried if tried else math.nan,
        depleted_share=fmean(day.depleted_share for day in days),
        changes_per_day=fmean(day.changes for day in days),
        cpu_s_per_run=fmean(run.cpu_s for run in runs),
    )


def compare(outcomes: Sequence[Outcome], policy: str, *, baseline: str) -> Difference | None:
    """None: they have no node and seed in common."""
    ours, theirs = _index(outcomes, policy), _index(outcomes, baseline)
    differences = {key: net - theirs[key] for key, net in ours.items() if key in theirs}
    if not differences:
        return None
    by_node: defaultdict[str, list[float]] = defaultdict(list)
    for (pubkey, _), difference in differences.items():
        by_node[pubkey].append(difference)
    return Difference(
        policy=policy,
        baseline=baseline,
        pairs=len(differences),
        wins=sum(difference > 0 for difference in differences.values()),
        interval=bootstrap(list(differences.values())),
        by_node=bootstrap_nodes(list(by_node.values())),
        per_node={pubkey: fmean(values) for pubkey, values in by_node.items()},
    )


def _index(outcomes: Sequence[Outcome], policy: str) -> Mapping[Key, float]:
    return {(outcome.pubkey, outcome.seed): outcome.net_sat_per_day for outcome in outcomes if outcome.policy == policy}


def compare_all(outcomes: Sequence[Outcome], policies: Sequence[str]) -> list[Difference]:
    """Each policy with leave-as-is, and all but the baselines with each baseline of the claim rule. Our own policy, and
    one given as a document, with every other.
    """
    found = [
        compare(outcomes, policy, baseline=baseline)
        for policy in policies
        for baseline in dict.fromkeys((*CLAIM_BASELINES, *policies))
        if policy != baseline and _is_wanted(policy, baseline)
    ]
    return [difference for difference in found if difference is not None]


def _is_wanted(policy: str, baseline: str) -> bool:
    if baseline == AS_IS or policy == OWN or policy not in list_names():
        return True
    return baseline in CLAIM_BASELINES and policy not in CLAIM_BASELINES


def bootstrap(values: Sequence[float]) -> Interval:
    """Percentile interval of the mean (Efron 1979), 2,000 resamples from a fixed seed."""
    rng = seed_random("bootstrap", len(values))
    count = len(values)
    means = sorted(math.fsum(rng.choices(values, k=count)) / count for _ in range(RESAMPLES))
    return _cut(math.fsum(values) / count, means)


def bootstrap_nodes(groups: Sequence[Sequence[float]]) -> Interval:
    """Draws nodes, and then seeds of each: what another choice of nodes might have shown. The wider interval."""
    rng = seed_random("bootstrap nodes", len(groups))
    means = sorted(
        fmean(fmean(rng.choices(group, k=len(group))) for group in rng.choices(groups, k=len(groups)))
        for _ in range(RESAMPLES // 4)
    )
    return _cut(fmean(fmean(group) for group in groups), means)


def _cut(mean: float, means: Sequence[float]) -> Interval:
    last = len(means) - 1
    return Interval(mean=mean, low=means[round(0.025 * last)], high=means[round(0.975 * last)])


def find_claim(differences: Sequence[Difference], policy: str, *, is_real: bool | None) -> str:
    """The sentence the claim rule allows: against all three baselines both intervals lie above 0, that of the pairs and
    that of whole nodes, in a real world. `is_real` None: the realism gate has no data.
    """
    ours = {difference.baseline: difference for difference in differences if difference.policy == policy}
    missing = [baseline for baseline in CLAIM_BASELINES if baseline not in ours]
    if missing:
        return f"{policy}: no claim, it was not compared with {', '.join(missing)}."
    if is_real is None:
        return f"{policy}: no claim, the realism gate has no data on some figures."
    if not is_real:
        return f"{policy}: no claim, the realism gate is not passed."
    open_ones = [
        baseline for baseline in CLAIM_BASELINES if min(ours[baseline].interval.low, ours[baseline].by_node.low) <= 0
    ]
    if open_ones:
        return f"{policy}: no claim, an interval against {', '.join(open_ones)} (pairs or nodes) does not lie above 0."
    return f"{policy} earns more than {', '.join(CLAIM_BASELINES)} on these nodes and seeds."
