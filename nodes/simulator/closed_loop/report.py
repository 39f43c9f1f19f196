"""The written report of a campaign: the same words as Markdown and, with charts, as one HTML file."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import fmean

from msgspec import Struct

from nodes.simulator.closed_loop.chart import draw_dots, draw_intervals, draw_lines
from nodes.simulator.closed_loop.comparison import Difference, Interval, Summary, compare_all, find_claim, summarise
from nodes.simulator.closed_loop.contender import AS_IS, CLAIM_BASELINES, ORACLE
from nodes.simulator.closed_loop.outcome import Day, Outcome
from nodes.simulator.closed_loop.realism import PROVENANCE, Check, check_realism, judge_realism

Row = Sequence[str]


class Findings(Struct, frozen=True, kw_only=True):
    """Summaries and differences are by the behaviour of the other nodes."""

    title: str
    setting: list[str]
    policies: list[str]
    outcomes: list[Outcome]
    summaries: dict[str, list[Summary]]
    differences: dict[str, list[Difference]]
    checks: list[Check]
    claims: list[str]


def weigh_outcomes(outcomes: Sequence[Outcome], policies: Sequence[str], *, title: str, setting: list[str]) -> Findings:
    """The realism gate looks at the first behaviour of the competitors, claims at all: each must hold."""
    kinds = list(dict.fromkeys(outcome.competitors for outcome in outcomes))
    parts = {kind: [outcome for outcome in outcomes if outcome.competitors == kind] for kind in kinds}
    shown = {kind: [outcome for outcome in part if outcome.policy in policies] for kind, part in parts.items()}
    checks = check_realism(parts[kinds[0]]) if kinds else []
    differences = {kind: compare_all(part, policies) for kind, part in shown.items()}
    return Findings(
        title=title,
        setting=setting,
        policies=list(policies),
        outcomes=[outcome for part in shown.values() for outcome in part],
        summaries={kind: summarise(part) for kind, part in shown.items()},
        differences=differences,
        checks=checks,
        claims=[
            f"Competitors {kind}: {find_claim(found, policy, is_real=judge_realism(checks))}"
            for kind, found in differences.items()
            for policy in policies
            if policy not in CLAIM_BASELINES and any(outcome.policy == policy for outcome in shown[kind])
        ]
        + _warn_of_idle(shown),
    )


def _warn_of_idle(shown: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """A policy that wrote nothing at all is leave-as-is under another name: that must not look like a result."""
    return [
        f"Competitors {kind}: warning, {row.policy} changed no fee in any run, so its figures are those of {AS_IS}."
        for kind, part in shown.items()
        for row in summarise(part)
        if row.policy not in (AS_IS, ORACLE) and not row.changes_per_day
    ]


def write_markdown(findings: Findings) -> str:
    lines = [f"# {findings.title}", "", *(f"- {line}" for line in findings.setting), ""]
    lines += ["## What may be claimed", "", *(f"- {claim}" for claim in findings.claims or ["Nothing to claim."]), ""]
    for kind, summaries in findings.summaries.items():
        lines += [f"## Competitors: {kind}", "", *_table_markdown(_summary_table(summaries)), ""]
        lines += ["Differences in net sat a day, on the same nodes and seeds:", ""]
        lines += [*_table_markdown(_difference_table(findings.differences[kind])), ""]
    lines += ["## Realism gate", "", PROVENANCE, "", *_table_markdown(_check_table(findings.checks)), ""]
    return "\n".join(lines)


def write_html(findings: Findings) -> str:
    """One file, nothing from elsewhere."""
    parts = [f"<h1>{escape(findings.title)}</h1>", _list_html(findings.setting)]
    parts += ["<h2>What may be claimed</h2>", _list_html(findings.claims or ["Nothing to claim."])]
    for kind, summaries in findings.summaries.items():
        outcomes = [outcome for outcome in findings.outcomes if outcome.competitors == kind]
        differences = findings.differences[kind]
        parts += [f"<h2>Competitors: {kind}</h2>", _table_html(_summary_table(summaries))]
        parts += [*_draw(summaries, differences, outcomes=outcomes), _table_html(_difference_table(differences))]
    parts += ["<h2>Realism gate</h2>", f"<p>{escape(PROVENANCE)}</p>", _table_html(_check_table(findings.checks))]
    return _PAGE.format(title=escape(findings.title), body="\n".join(parts))


def _draw(summaries: Sequence[Summary], differences: Sequence[Difference], *, outcomes: Sequence[Outcome]) -> list[str]:
    with_as_is = [difference for difference in differences if difference.baseline == AS_IS]
    charts = [
        draw_intervals(
            [(s.policy, s.net_sat_per_day) for s in summaries], title="Net, 95 % interval", unit="sat a day"
        ),
        draw_lines(
            _follow(outcomes, "earned_msat", scale=1000), title="Fees earned, mean of all runs", unit="sat a day"
        ),
        draw_lines(
            _follow(outcomes, "local_share"),
            title="Share of the balances that is ours, mean of all runs",
            unit="0 .. 1",
        ),
        draw_lines(_follow(outcomes, "depleted_share"), title="Channels with less than 5 % ours", unit="share, 0 .. 1"),
    ]
    if with_as_is:
        charts += [
            draw_intervals([(d.policy, d.interval) for d in with_as_is], title="Net more than as-is", unit="sat a day"),
            draw_dots(
                {d.policy: list(d.per_node.values()) for d in with_as_is},
                title="The same, node by node",
                unit="sat a day",
            ),
        ]
    return charts


def _follow(outcomes: Sequence[Outcome], name: str, *, scale: float = 1) -> Mapping[str, list[float]]:
    """The mean over all runs of one figure, day by day, by policy."""
    runs: dict[str, list[list[Day]]] = {}
    for outcome in outcomes:
        runs.setdefault(outcome.policy, []).append(outcome.days)
    return {
        policy: [fmean(getattr(day, name) / scale for day in days) for days in zip(*daily, strict=True)]
        for policy, daily in runs.items()
    }


def _summary_table(summaries: Sequence[Summary]) -> list[Row]:
    head = ("policy", "runs", "net sat/day [95 %]", "earned", "rebalancing", "volume sat/day", "forwards/day",
            "payments that arrive", "channels < 5 % ours", "changes/day", "CPU s/run")  # fmt: skip
    return [
        head,
        *(
            (
                row.policy,
                str(row.runs),
                _show(row.net_sat_per_day),
                f"{row.earned_sat_per_day:,.1f}",
                f"{row.rebalance_sat_per_day:,.1f}",
                f"{row.volume_sat_per_day:,.0f}",
                f"{row.settled_per_day:.1f}",
                f"{row.success:.1%}",
                f"{row.depleted_share:.1%}",
                f"{row.changes_per_day:.1f}",
                f"{row.cpu_s_per_run:.2f}",
            )
            for row in summaries
        ),
    ]


def _difference_table(differences: Sequence[Difference]) -> list[Row]:
    rows = [
        (found.policy, found.baseline, str(found.pairs), f"{found.wins / found.pairs:.0%}",
         _show(found.interval), _show(found.by_node))
        for found in differences
    ]  # fmt: skip
    return [("policy", "less", "pairs", "better in", "difference [95 %]", "when nodes are drawn too"), *rows]


def _check_table(checks: Sequence[Check]) -> list[Row]:
    return [
        ("figure", "simulated", "band", ""),
        *(
            (
                check.name,
                "no data" if check.measured is None else f"{check.measured:,.2f}",
                f"{check.low:,.2f} .. {check.high:,.2f}",
                check.verdict,
            )
            for check in checks
        ),
    ]


def _show(interval: Interval) -> str:
    return f"{interval.mean:+,.1f} [{interval.low:+,.1f} .. {interval.high:+,.1f}]"


def _table_markdown(rows: Sequence[Row]) -> list[str]:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return [head, f"|{'---|' * len(rows[0])}", *body]


def _table_html(rows: Sequence[Row]) -> str:
    def cells(row: Row, tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"

    table = f"<table>{cells(rows[0], 'th')}{''.join(cells(row, 'td') for row in rows[1:])}</table>"
    return f'<div class="wide">{table}</div>'


def _list_html(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; font-size: 13px; margin: 1rem 0; }}
td, th {{ border: 1px solid #8888; padding: .2rem .5rem; text-align: right; }}
td:first-child, th:first-child {{ text-align: left; }}
.wide {{ overflow-x: auto; }}
svg {{ width: 100%; margin: 1rem 0; }}
svg text {{ fill: currentColor; font: 12px system-ui, sans-serif; }}
svg .title {{ font-weight: 600; }}
svg .zero {{ stroke: #888; stroke-dasharray: 3 3; }}
svg .axis {{ stroke: #888; }}
</style>
<body>
{body}
</body></html>
"""
