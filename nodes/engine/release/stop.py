"""The stop rules of a release, and what follows from them. Each says "no data" where it has none."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.release.revenue import Comparison
from nodes.engine.release.settings import ReleaseSettings, StopRules

FEWEST_ACTIONS = 5  # ended ones: of fewer no share is taken
FEWEST_DEPLETED = 2  # one channel runs dry on any node

Finding = Literal["silent", "stop", "no data"]
Rule = Literal["net_revenue", "failed_actions", "manual_changes", "depleted_channels"]
Move = Literal["stop", "grow", "stay"]


class Evidence(Struct, frozen=True, kw_only=True):
    """What the window showed of the channels in the canary."""

    revenue: Comparison | None
    costs_known: bool  # whether rebalancing is taken off the revenue
    confirmed: int  # actions
    failed: int
    channels: int
    changed_by_owner: int  # channels
    newly_depleted: int


class RuleVerdict(Struct, frozen=True, kw_only=True):
    """What one rule says: `value` against `threshold`, both in percent, with an interval where there is one."""

    rule: Rule
    finding: Finding
    threshold_percent: int
    value_percent: float | None
    low_percent: float | None
    high_percent: float | None
    text: str


def judge_release(evidence: Evidence, rules: StopRules) -> list[RuleVerdict]:
    return [
        judge_revenue(evidence.revenue, rules, costs_known=evidence.costs_known),
        _judge_share(
            "failed_actions",
            count=evidence.failed,
            total=evidence.failed + evidence.confirmed,
            threshold=rules.max_failed_percent,
            words="actions failed",
            fewest=FEWEST_ACTIONS,
        ),
        _judge_share(
            "manual_changes",
            count=evidence.changed_by_owner,
            total=evidence.channels,
            threshold=rules.max_manual_percent,
            words="channels in the canary were changed by hand",
        ),
        judge_depleted(evidence, rules),
    ]


def judge_revenue(comparison: Comparison | None, rules: StopRules, *, costs_known: bool) -> RuleVerdict:
    """Stops where the loss is past the threshold and the whole interval lies below zero: measured, and no accident."""
    costs = "" if costs_known else "; rebalancing costs are not known"
    if comparison is None:
        return _describe(
            "net_revenue", "no data", threshold=rules.max_loss_percent, text=f"no data to compare revenue by{costs}"
        )
    is_past = comparison.change_percent <= -rules.max_loss_percent and comparison.high_percent < 0
    text = (
        f"net revenue of the canary against the hold-out: {comparison.change_percent:+.1f} % of its level before "
        f"({rules.confidence_percent} % interval {comparison.low_percent:+.1f} to {comparison.high_percent:+.1f}, "
        f"{comparison.days_after} days against {comparison.days_before}){costs}"
    )
    return RuleVerdict(
        rule="net_revenue",
        finding="stop" if is_past else "silent",
        threshold_percent=rules.max_loss_percent,
        value_percent=comparison.change_percent,
        low_percent=comparison.low_percent,
        high_percent=comparison.high_percent,
        text=text,
    )


def judge_depleted(evidence: Evidence, rules: StopRules) -> RuleVerdict:
    """A single channel that runs dry stops nothing."""
    verdict = _judge_share(
        "depleted_channels",
        count=evidence.newly_depleted,
        total=evidence.channels,
        threshold=rules.max_depleted_percent,
        words="channels in the canary ran dry since the step began",
    )
    if verdict.finding == "stop" and evidence.newly_depleted < FEWEST_DEPLETED:
        return replace(verdict, finding="silent")
    return verdict


def choose_move(
    verdicts: Sequence[RuleVerdict], *, settings: ReleaseSettings, days_on_step: float, is_blocked: bool
) -> Move:
    """Stop where any rule says so. Grow by rule alone, after the step's days, and only where every rule has data.

    `is_blocked`: a rule stopped the release before, and its owner has not let it go on since.
    """
    findings = {verdict.finding for verdict in verdicts}
    if "stop" in findings:
        return "stop"
    may_grow = settings.promotion == "rule" and not is_blocked and days_on_step >= settings.min_days_per_step
    return "grow" if may_grow and findings == {"silent"} else "stay"


def _judge_share(
    rule: Rule,
    *,
    count: int,
    total: int,
    threshold: int,
    words: str,
    fewest: int = 1,
) -> RuleVerdict:
    """`count` of `total`; stops above the threshold."""
    if total < fewest:
        return _describe(
            rule, "no data", threshold=threshold, text=f"no data: {count} of {total} {words}, {fewest} are needed"
        )
    percent = round(100 * count / total, 3)
    finding: Finding = "stop" if percent > threshold else "silent"
    return _describe(rule, finding, threshold=threshold, text=f"{count} of {total} {words}", value=percent)


def _describe(rule: Rule, finding: Finding, *, threshold: int, text: str, value: float | None = None) -> RuleVerdict:
    return RuleVerdict(
        rule=rule,
        finding=finding,
        threshold_percent=threshold,
        value_percent=value,
        low_percent=None,
        high_percent=None,
        text=text,
    )
