"""Questions about the servers of the catalogue, as they should be."""

from uuid import UUID

import msgspec
from msgspec import Struct

from bridge.catalogue.models import McpServer
from bridge.catalogue.sealing import open_transport
from bridge.engine.server import Access, Caching, Limits, Pin, Pool, Server
from mcp_saas.kit.errors import Problem, not_found
from tenants.context import leave_tenant


class Rules(Struct, frozen=True):
    """What of a server lies open in the catalogue."""

    pool: Pool = Pool()
    limits: Limits = Limits()
    caching: Caching = Caching()
    access: Access = Access()


def list_rows() -> list[McpServer]:
    with leave_tenant():
        return list(McpServer.objects.prefetch_related("pins").order_by("name"))


def find_row(name: str) -> McpServer:
    """Raises Problem 404."""
    with leave_tenant():
        row: McpServer | None = McpServer.objects.prefetch_related("pins").filter(name=name).first()
    if row is None:
        raise refuse_unknown(name)
    return row


def refuse_unknown(name: str) -> Problem:
    return not_found("There is no MCP server of this name for you.")


def read_rules(row: McpServer) -> Rules:
    return msgspec.convert(row.rules, Rules)


def read_server(row: McpServer) -> Server:
    """The server a row stands for. Raises SealBrokenError."""
    rules = read_rules(row)
    pins = tuple(Pin(pin.tool, pin.sha256) for pin in row.pins.all())
    return Server(
        row.name,
        open_transport(bytes(row.sealed_transport), name=row.name),
        revision=row.revision,
        should_run=row.should_run,
        pool=rules.pool,
        limits=rules.limits,
        caching=rules.caching,
        access=rules.access,
        pins=pins if pins or not row.trusts_first_use else None,
    )


def is_open_to(access: Access, tenant_id: UUID) -> bool:
    return access.tenants is None or tenant_id in access.tenants
