"""The end of `make run`: a table of what each box should do, and why. Every line fits a terminal of 80 columns."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_saas.kit.alias import tame_alias
from mcp_saas.kit.terminal import INDENT, RULE, lay_row, lay_text

INSTANT = "%Y-%m-%d %H:%M:%S UTC"
UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
NO_DATA = "no data"
TITLE = "What each box should do (shadow mode: nothing is written to a node)"
HEADER = ("Box", "Channels", "  Score", "Raise", "Lower", "Else", "Keep", "Expected sat a day")
EFFECT_NOTE = (
    "Else: fees stay, and a switch, a time lock or a limit of payments moves. "
    "Score: 0 (bad) to 1 (good). Expected: change of fee income on the forwards of the last 7 days, with its interval, "
    "if demand answers to price as measured elsewhere (docs/scoring.md); an estimate, not a promise."
)
EXTRAPOLATED_NOTE = "~ some of these fees change by more than a factor of 2, further than was ever measured."
LOSS_NOTE = (
    "Below zero: on the same forwards these fees are expected to earn less. They follow balance and flow, not income; "
    "what liquidity that is sold here brings to other channels is not in the figure."
)


@dataclass(frozen=True, slots=True)
class BoxReport:
    """What the newest run of the pipeline says of one box. Texts are ready to show."""

    box: str
    channels: int
    score: str
    raised: int
    lowered: int
    changed: int
    kept: int
    effect: str
    grounds: str  # what the effect stands on
    reason: str
    is_loss: bool
    is_extrapolated: bool
    made_at: dt.datetime

    @classmethod
    def read(cls, box: str, run: dict[str, Any]) -> "BoxReport":
        """From the API's answer on the newest run."""
        summary = run["summary"]
        effect = summary["effect"]
        return cls(
            box=tame_alias(box) or "(no name)",
            channels=summary["channels"],
            score=NO_DATA if summary["score"] is None else f"{summary['score']:.2f}",
            raised=summary["raised"],
            lowered=summary["lowered"],
            changed=summary["changed"],
            kept=summary["kept"],
            effect=describe_effect(effect, extrapolated=summary["extrapolated_channels"]),
            grounds=describe_grounds(summary),
            reason=summary["top_reason"] or "Nothing to change.",
            is_loss=effect is not None and round(effect["sat_per_day"]) < 0,
            is_extrapolated=summary["extrapolated_channels"] > 0,
            made_at=dt.datetime.fromisoformat(run["finished_at"]),
        )

    @property
    def cells(self) -> tuple[str, ...]:
        counts = (self.raised, self.lowered, self.changed, self.kept)
        return (self.box, str(self.channels), self.score, *map(str, counts), self.effect)


def describe_effect(effect: dict[str, Any] | None, *, extrapolated: int) -> str:
    if effect is None:
        return NO_DATA
    return f"{'~ ' if extrapolated else ''}{round(effect['sat_per_day']):+}"


def describe_grounds(summary: dict[str, Any]) -> str:
    effect = summary["effect"]
    if effect is None:
        return "Expected: no data, for no channel has a known income to start from."
    interval = f"{round(effect['low_sat_per_day']):+} .. {round(effect['high_sat_per_day']):+}"
    grounds = f"from {summary['effect_channels']} of {summary['channels']} channels"
    far = f", {summary['extrapolated_channels']} extrapolated" if summary["extrapolated_channels"] else ""
    return f"Expected {interval} sat a day {grounds}{far}."


def print_report(reports: Sequence[BoxReport], *, note: str) -> None:
    for line in lay_report(reports, note=note, now=dt.datetime.now(dt.UTC)):
        print(line)


def lay_report(reports: Sequence[BoxReport], *, note: str, now: dt.datetime) -> list[str]:
    """The lines of the table and of what there is to know about it."""
    lines = [TITLE, describe_age([report.made_at for report in reports], now=now), "", lay_row(HEADER, HEADER)]
    for report in reports:
        lines += [
            RULE,
            lay_row(report.cells, HEADER),
            *lay_text(report.reason, INDENT),
            *lay_text(report.grounds, INDENT),
        ]
    notes = (*note.strip().splitlines(), EFFECT_NOTE, *pick_notes(reports))
    return [*lines, RULE, *(line for text in notes for line in lay_text(text))]


def pick_notes(reports: Sequence[BoxReport]) -> list[str]:
    """What must be said of the figures that are there."""
    notes = [EXTRAPOLATED_NOTE] if any(report.is_extrapolated for report in reports) else []
    return [*notes, LOSS_NOTE] if any(report.is_loss for report in reports) else notes


def describe_age(made_at: Sequence[dt.datetime], *, now: dt.datetime) -> str:
    """When the runs were made that the table shows: a second start shows those of the first."""
    oldest, newest = min(made_at), max(made_at)
    made = f"Made {oldest:{INSTANT}} ({_tell_age(oldest, now)})"
    return made if newest - oldest < dt.timedelta(minutes=1) else f"{made} to {newest:{INSTANT}}"


def _tell_age(made_at: dt.datetime, now: dt.datetime) -> str:
    age_s = max(1, round((now - made_at).total_seconds()))
    size_s, unit = next((size_s, unit) for size_s, unit in UNITS if age_s >= size_s)
    count = age_s // size_s
    return f"{count} {unit}{'' if count == 1 else 's'} ago"
