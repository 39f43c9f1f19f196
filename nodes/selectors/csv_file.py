"""CSV files of a box, written batch by batch: nothing of it lies in memory as a whole."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import astuple

from mcp_saas.kit.csv_text import write_rows
from tenants.context import TenantRef, enter_tenant


def stream_csv(tenant: TenantRef, batches: Iterator[Sequence[Struct]], *, shape: type[Struct]) -> Iterator[str]:
    """The header, then a piece a batch, each read behind the tenant's door: between two pieces nobody is inside."""
    yield write_rows([shape.__struct_fields__])
    while True:
        with enter_tenant(tenant):
            batch = next(batches, None)
        if batch is None:
            return
        yield write_rows(astuple(line) for line in batch)
