"""Tables and texts that fit a terminal of 80 columns, however wide a stranger's alias is."""

from collections.abc import Sequence

from wcwidth import clip, ljust, width, wrap

WIDTH_COLUMNS = 78  # two columns to spare: terminals differ on how wide some emoji are
INDENT = " " * 4
RULE = "─" * WIDTH_COLUMNS


def lay_text(text: str, indent: str = "") -> list[str]:
    return wrap(text, WIDTH_COLUMNS, initial_indent=indent, subsequent_indent=indent)


def lay_row(cells: Sequence[str], header: Sequence[str]) -> str:
    """The first cell takes what the others leave, cut by the columns it covers on the screen. The others are as wide as
    their names.
    """
    name, *figures = cells
    laid = "".join(f"  {figure:>{len(title)}}" for figure, title in zip(figures, header[1:], strict=True))
    room = WIDTH_COLUMNS - len(laid)
    shown = name if width(name) <= room else clip(name, 0, room - 1).rstrip() + "…"
    return ljust(shown, room) + laid
