"""Small charts as inline SVG: no script, no network, readable in light and dark."""

from collections.abc import Mapping, Sequence
from html import escape

from msgspec import Struct

from nodes.simulator.closed_loop.comparison import Interval
from nodes.simulator.closed_loop.contender import AS_IS

WIDTH, LEFT, RIGHT, ROW = 760, 170, 90, 26
_AXIS = 20
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a000", "#000000")


class Scale(Struct, frozen=True):
    """From values to horizontal pixels."""

    low: float
    high: float

    def place(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return LEFT + (value - self.low) / span * (WIDTH - LEFT - RIGHT)


def draw_intervals(rows: Sequence[tuple[str, Interval]], *, title: str, unit: str) -> str:
    """A dot and a bar a row; a line where 0 is."""
    scale = _fit([bound for _, row in rows for bound in (row.low, row.high, 0.0)])
    marks = _draw_axis(scale, len(rows), unit=unit)
    for index, (name, row) in enumerate(rows):
        y = 40 + ROW * index
        span = f"M{scale.place(row.low):.1f} {y}H{scale.place(row.high):.1f}"
        marks += [
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>',
            f'<path stroke="{_COLOURS[0]}" stroke-width="3" d="{span}"/>',
            f'<circle fill="{_COLOURS[0]}" cx="{scale.place(row.mean):.1f}" cy="{y}" r="4"/>',
            f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4}">{row.mean:,.1f}</text>',
        ]
    return _frame(marks, title=title, height=_AXIS + 40 + ROW * len(rows))


def draw_dots(rows: Mapping[str, Sequence[float]], *, title: str, unit: str) -> str:
    """One faint dot a value, row by row: how far the nodes lie apart."""
    scale = _fit([value for values in rows.values() for value in values] + [0.0])
    marks = _draw_axis(scale, len(rows), unit=unit)
    for index, (name, values) in enumerate(rows.items()):
        y = 40 + ROW * index
        marks.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
        marks += [
            f'<circle fill="{_COLOURS[1]}" fill-opacity=".5" cx="{scale.place(value):.1f}" cy="{y}" r="4"/>'
            for value in values
        ]
    return _frame(marks, title=title, height=_AXIS + 40 + ROW * len(rows))


def draw_lines(series: Mapping[str, Sequence[float]], *, title: str, unit: str, height: int = 240) -> str:
    """One line a name over the days; leave-as-is broken and on top, so that one upon it is seen below."""
    values = [value for line in series.values() for value in line] or [0.0]
    low, high = min(0.0, *values), max(values) or 1.0
    days = max((len(line) for line in series.values()), default=1)
    scale = Scale(0, max(1, days - 1))

    def lift(value: float) -> float:
        return height - (value - low) / (high - low or 1.0) * (height - 40)

    marks = [
        f'<text x="{LEFT - 8}" y="{lift(bound) + 4:.1f}" text-anchor="end">{bound:,.{_count_places(high)}f}</text>'
        for bound in (low, (low + high) / 2, high)
    ]
    marks += [f'<text x="{LEFT - 8}" y="32" text-anchor="end">{escape(unit)}</text>']
    marks += _draw_days(scale, days, height=height)
    for name, index in sorted(((name, index) for index, name in enumerate(series)), key=lambda one: one[0] == AS_IS):
        colour = _COLOURS[index % len(_COLOURS)]
        dashes = ' stroke-dasharray="6 4"' if name == AS_IS else ""
        points = " ".join(f"{scale.place(day):.1f},{lift(value):.1f}" for day, value in enumerate(series[name]))
        marks += [
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.5"{dashes} points="{points}"/>',
            f'<text x="8" y="{52 + 16 * index}" fill="{colour}" style="fill:{colour}">{escape(name)}</text>',
        ]
    return _frame(marks, title=title, height=max(height + _AXIS + 6, 60 + 16 * len(series)))


def _draw_days(scale: Scale, days: int, *, height: int) -> list[str]:
    """The axis of time: first, middle and last day."""
    ticks = sorted({0, (days - 1) // 2, days - 1})
    return [
        f'<path class="axis" d="M{LEFT} {height}H{WIDTH - RIGHT}"/>',
        *(f'<text x="{scale.place(day):.1f}" y="{height + 16}" text-anchor="middle">{day + 1}</text>' for day in ticks),
        f'<text x="{WIDTH - RIGHT + 16}" y="{height + 16}">day</text>',
    ]


def _draw_axis(scale: Scale, rows: int, *, unit: str) -> list[str]:
    """Below the rows: both ends and 0, with what they count."""
    y, places = 32 + ROW * rows, _count_places(max(abs(scale.low), abs(scale.high)))
    width = scale.high - scale.low
    ticks = [scale.low, scale.high, *([0.0] if scale.low + width / 8 < 0 < scale.high - width / 8 else [])]
    return [
        f'<path class="zero" d="M{scale.place(0):.1f} 24V{y}"/>',
        f'<path class="axis" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>',
        *(
            f'<text x="{scale.place(tick):.1f}" y="{y + 16}" text-anchor="middle">{tick:,.{places}f}</text>'
            for tick in ticks
        ),
        f'<text x="{LEFT - 40}" y="{y + 16}" text-anchor="end">{escape(unit)}</text>',
    ]


def _count_places(largest: float) -> int:
    return 0 if largest >= 100 else 1 if largest >= 2 else 2


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
