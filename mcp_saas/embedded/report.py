"""The end of `make run`: a table of what each box should do, and why."""

from dataclasses import dataclass
from typing import Any

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table

MIN_WIDTH = 120  # where output is not a terminal
NO_DATA = "no data"
EFFECT_NOTE = (
    "Expected effect: change of fee income on last week's forwards if demand answers to price as measured elsewhere "
    "(docs/scoring.md), with its interval; an estimate, not a promise. Lowering a fee sells liquidity that stands "
    "idle: what that brings to other channels is not in the figure."
)


@dataclass(frozen=True, slots=True)
class BoxReport:
    """One line of the table; texts are ready to show."""

    box: str
    channels: int
    score: str
    raised: int
    lowered: int
    kept: int
    effect: str
    reason: str

    @classmethod
    def read(cls, box: str, run: dict[str, Any]) -> "BoxReport":
        """From the API's answer on the newest run."""
        summary = run["summary"]
        return cls(
            box="".join(character for character in box if character.isprintable()),  # a stranger chose it
            channels=summary["channels"],
            score=NO_DATA if summary["score"] is None else f"{summary['score']:.2f}",
            raised=summary["raised"],
            lowered=summary["lowered"],
            kept=summary["kept"],
            effect=describe_effect(summary["effect"], summary["effect_channels"]),
            reason=summary["top_reason"] or "nothing to change",
        )


def describe_effect(effect: dict[str, Any] | None, channels: int) -> str:
    if effect is None:
        return NO_DATA
    low, high = effect["low_sat_per_day"], effect["high_sat_per_day"]
    return f"{effect['sat_per_day']:+.0f}\n{low:+.0f} .. {high:+.0f}\nby {channels} channels"


def print_report(reports: list[BoxReport], *, note: str) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=MIN_WIDTH)
    table = Table(
        title="What each box should do (shadow mode: nothing is written to a node)", show_lines=True, box=ROUNDED
    )
    table.add_column("Box", max_width=16, overflow="fold")
    for name in ("Chan-\nnels", "Score\n0..1", "Raise", "Lower", "Keep"):
        table.add_column(name, justify="right")
    table.add_column("Expected\nsat a day", justify="right", no_wrap=True)
    table.add_column("Top reason", ratio=1)
    for report in reports:
        table.add_row(
            report.box, str(report.channels), report.score, str(report.raised), str(report.lowered), str(report.kept),
            report.effect, report.reason,
        )  # fmt: skip
    console.print(table)
    console.print(note.strip())
    console.print(EFFECT_NOTE)
