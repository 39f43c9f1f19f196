"""Small charts as inline SVG: no script, no network, readable in light and dark."""

from collections.abc import Mapping, Sequence
from html import escape

from msgspec import Struct

from nodes.simulator.closed_loop.comparison import Interval

WIDTH, LEFT, RIGHT, ROW = 760, 170, 90, 26
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a000", "#000000")


class Scale(Struct, frozen=True):
    """From values to horizontal pixels."""

    low: float
    high: float

    def place(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return LEFT + (value - self.low) / span * (WIDTH - LEFT - RIGHT)


def draw_intervals(rows: Sequence[tuple[str, Interval]], *, title: str) -> str:
    """A dot and a bar a row; a line where 0 is."""
    scale = _fit([bound for _, row in rows for bound in (row.low, row.high, 0.0)])
    marks = [_draw_zero(scale, len(rows))]
    for index, (name, row) in enumerate(rows):
        y = 40 + ROW * index
        span = f"M{scale.place(row.low):.1f} {y}H{scale.place(row.high):.1f}"
        marks += [
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>',
            f'<path stroke="{_COLOURS[0]}" stroke-width="3" d="{span}"/>',
            f'<circle fill="{_COLOURS[0]}" cx="{scale.place(row.mean):.1f}" cy="{y}" r="4"/>',
            f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4}">{row.mean:,.1f}</text>',
        ]
    return _frame(marks, title=title, height=40 + ROW * len(rows))


def draw_dots(rows: Mapping[str, Sequence[float]], *, title: str) -> str:
    """One faint dot a value, row by row: how far the nodes lie apart."""
    scale = _fit([value for values in rows.values() for value in values] + [0.0])
    marks = [_draw_zero(scale, len(rows))]
    for index, (name, values) in enumerate(rows.items()):
        y = 40 + ROW * index
        marks.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        marks += [
            f'<circle fill="{_COLOURS[1]}" fill-opacity=".5" cx="{scale.place(value):.1f}" cy="{y}" r="4"/>'
            for value in values
        ]
    return _frame(marks, title=title, height=40 + ROW * len(rows))


def draw_lines(series: Mapping[str, Sequence[float]], *, title: str, height: int = 240) -> str:
    """One line a name over the days."""
    values = [value for line in series.values() for value in line] or [0.0]
    low, high = min(0.0, *values), max(values) or 1.0
    days = max((len(line) for line in series.values()), default=1)
    scale = Scale(0, max(1, days - 1))

    def lift(value: float) -> float:
        return height - (value - low) / (high - low or 1.0) * (height - 40)

    marks = [
        f'<text x="{LEFT - 8}" y="{lift(bound) + 4:.1f}" text-anchor="end">{bound:,.1f}</text>' for bound in (low, high)
    ]
    for index, (name, line) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        points = " ".join(f"{scale.place(day):.1f},{lift(value):.1f}" for day, value in enumerate(line))
        marks += [
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>',
            f'<text x="8" y="{40 + 16 * index}" fill="{colour}" style="fill:{colour}">{escape(name)}</text>',
        ]
    return _frame(marks, title=title, height=max(height + 10, 48 + 16 * len(series)))


def _draw_zero(scale: Scale, rows: int) -> str:
    return f'<path class="zero" d="M{scale.place(0):.1f} 24V{24 + ROW * rows}"/>'


def _fit(values: Sequence[float]) -> Scale:
    low, high = min(values), max(values)
    margin = (high - low or 1.0) * 0.03
    return Scale(low - margin, high + margin)


def _frame(marks: Sequence[str], *, title: str, height: int) -> str:
    body = "\n".join(marks)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">\n'
        f'<text x="8" y="16" class="title">{escape(title)}</text>\n{body}\n</svg>'
    )
