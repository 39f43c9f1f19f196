"""How a command writes lines: a table for people, or JSON or CSV for machines."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
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
    form.add_argument("--json", action="store_true", help="a JSON object a line, all of them")
    form.add_argument("--csv", action="store_true", help="the file of the API (docs/csv.md), all of them")
    parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help="rows of the table")


def write_lines(
    out: OutputWrapper,
    batches: Iterator[Sequence[Struct]],
    *,
    tenant: TenantRef,
    shape: type[Struct],
    lay: Lay,
    options: dict[str, Any],
) -> bool:
    """Whether a table left rows out; the other forms never do."""
    if options["csv"]:
        for piece in stream_csv(tenant, batches, shape=shape):
            out.write(piece.replace("\r\n", "\n"), ending="")
        return False
    with enter_tenant(tenant):
        lines = (line for batch in batches for line in batch)
        if options["json"]:
            for line in lines:
                out.write(msgspec.json.encode(line).decode())
            return False
        for _, line in zip(range(options["limit"]), lines, strict=False):
            out.write("\n".join(lay(line)))
        return next(lines, None) is not None
