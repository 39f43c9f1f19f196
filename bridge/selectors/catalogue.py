"""Questions about the servers of the catalogue, as they should be."""

from uuid import UUID

import msgspec
from msgspec import Struct

from bridge.catalogue.models import McpPin, McpServer
from bridge.catalogue.sealing import open_transport
from bridge.engine.server import Access, BuiltIn, Caching, Limits, Pin, Pool, Server
from mcp_saas.kit.errors import Problem, not_found
from tenants.context import leave_tenant


class Rules(Struct, frozen=True):
    """What of a server lies open in the catalogue."""

    pool: Pool = Pool()
    limits: Limits = Limits()
    caching: Caching = Caching()
    access: Access = Access()


BUILT_IN = BuiltIn().name
SILENCE = "No gateway has reported it in the last ten seconds."
SILENCE_BUILT_IN = f"{SILENCE} Those that run with API_URL set carry it."


def list_rows() -> list[McpServer]:
    """Those that somebody added."""
    with leave_tenant():
        return list(McpServer.objects.prefetch_related("pins").order_by("name"))


def list_shown() -> list[McpServer]:
    """And the built-in one, which gateways carry without a word of anybody, unless somebody's stands in its place."""
    rows = list_rows()
    return rows if any(row.name == BUILT_IN for row in rows) else sorted([_make_built_in(), *rows], key=str)


def find_row(name: str) -> McpServer:
    """Raises Problem 404."""
    with leave_tenant():
        row: McpServer | None = McpServer.objects.prefetch_related("pins").filter(name=name).first()
    if row is None and name == BUILT_IN:
        return _make_built_in()
    if row is None:
        raise refuse_unknown(name)
    return row


def _make_built_in() -> McpServer:
    """In no table: it is what the release says, and changes with it."""
    return McpServer(name=BUILT_IN, kind="builtin")


def is_built_in(row: McpServer) -> bool:
    """Whether it is the gateways' own as the release has it, which nobody changed."""
    return row.pk is None


def tell_silence(row: McpServer) -> str:
    """Why nothing is known of how it is."""
    return SILENCE_BUILT_IN if is_built_in(row) else SILENCE


def list_pins(row: McpServer) -> list[McpPin]:
    return [] if is_built_in(row) else list(row.pins.all())


def refuse_unknown(name: str) -> Problem:
    return not_found("There is no MCP server of this name for you.")


def read_rules(row: McpServer) -> Rules:
    return msgspec.convert(row.rules, Rules)


def read_server(row: McpServer) -> Server:
    """The server a row stands for. Raises SealBrokenError."""
    rules = read_rules(row)
    pins = tuple(Pin(pin.tool, pin.sha256) for pin in list_pins(row))
    return Server(
        row.name,
        BuiltIn() if is_built_in(row) else open_transport(bytes(row.sealed_transport), name=row.name),
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
