"""How a command writes lines: a table for people, or JSON or CSV for machines."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from django.core.management.base import OutputWrapper
from msgspec import Struct

from nodes.selectors.csv_file import stream_csv
from tenants.context import TenantRef, enter_tenant

DEFAULT_LIMIT = 50
Lay = Callable[[Any], list[str]]


def add_form(parser: ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON object a line")
    form.add_argument("--csv", action="store_true", help="the file of the API (docs/csv.md)")
    words = f"rows at most; without it {DEFAULT_LIMIT} in the table, and all in JSON and CSV"
    parser.add_argument("--limit", type=int, help=words)


def write_lines(
    out: OutputWrapper,
    batches: Iterator[Sequence[Struct]],
    *,
    tenant: TenantRef,
    shape: type[Struct],
    lay: Lay,
    options: dict[str, Any],
) -> bool:
    """Whether a table left rows out. The other forms hold all, or as many as were asked for."""
    limit = options["limit"]
    if options["csv"]:
        batches = batches if limit is None else _take_rows(batches, limit)
        for piece in stream_csv(tenant, batches, shape=shape):
            out.write(piece.replace("\r\n", "\n"), ending="")
        return False
    with enter_tenant(tenant):
        lines = (line for batch in batches for line in batch)
        if options["json"]:
            for line in islice(lines, limit):
                out.write(msgspec.json.encode(line).decode())
            return False
        for _, line in zip(range(DEFAULT_LIMIT if limit is None else limit), lines, strict=False):
            out.write("\n".join(lay(line)))
        return next(lines, None) is not None


def _take_rows(batches: Iterator[Sequence[Struct]], limit: int) -> Iterator[Sequence[Struct]]:
    for batch in batches:
        yield batch[:limit]
        limit -= len(batch)
        if limit <= 0:
            return
