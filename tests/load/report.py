"""What a benchmark found."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """`figures` go into the file, units in their names; `lines` are shown: what, how much."""

    title: str
    figures: Mapping[str, object]
    lines: list[tuple[str, str]]

    def describe(self) -> str:
        width = max(len(what) for what, _ in self.lines)
        amount_width = max(len(amount) for _, amount in self.lines)
        return "\n".join(f"  {what:<{width}}  {amount:>{amount_width}}" for what, amount in self.lines)
