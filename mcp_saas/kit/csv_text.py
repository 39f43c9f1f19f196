"""CSV as RFC 4180 has it, that no spreadsheet takes for formulas.

A spreadsheet runs what begins with = + - @, in their full-width forms too (or a tab or a carriage return before them),
and a stranger may call his node so. Such text gets an apostrophe in front; numbers keep their sign.
Source: OWASP, "CSV Injection".
"""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from uuid import UUID

Cell = str | int | float | bool | dt.datetime | UUID | None
_RISKY = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def write_rows(rows: Iterable[Sequence[Cell]]) -> str:
    """Lines that end in CR LF. Nothing known is an empty cell; instants are UTC, ISO 8601 with a Z."""
    text = io.StringIO()
    csv.writer(text).writerows([_write_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _write_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case dt.datetime():
            return cell.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        case str():
            return f"'{cell}" if cell.startswith(_RISKY) else cell
    return str(cell)
