"""The catalogue changes here and nowhere else: API, admin, command and imports call these."""

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from bridge.catalogue.models import McpPin, McpServer
from bridge.catalogue.sealing import is_of_older_key, open_transport, seal_transport
from bridge.engine.faults import find_faults
from bridge.engine.server import Http, Pin, Server, Stdio
from bridge.manager.publish import publish_on_commit
from bridge.selectors.catalogue import Rules, find_row, is_built_in, list_rows
from mcp_saas.kit.errors import FieldError, Problem
from mcp_saas.kit.http import Guard, UnsafeTargetError
from tenants.context import leave_tenant

KINDS = {Stdio: "stdio", Http: "http"}
FIRST_USE = "first use"
BUILT_IN_WORDS = "is the gateways' own: to limit or stop it, first add it to the catalogue, as the preset of that name"


def check_server(server: Server) -> None:
    """Raises Problem 400 with a pointer to each fault: of form, of the address, of the command."""
    faults = find_faults(server) or [*_check_command(server), *_check_address(server)]
    if faults:
        words = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults)
        raise Problem(400, "invalid-body", "The body is not valid", detail=words, errors=faults)


@transaction.atomic
def add_server(server: Server, *, actor: str) -> McpServer:
    """Raises Problem 400, and 409 where the name is taken."""
    check_server(server)
    row = McpServer(name=server.name, revision=1)
    _fill(row, server, actor=actor)
    try:
        with transaction.atomic(), leave_tenant():
            row.save(force_insert=True)
    except IntegrityError:
        raise Problem(409, "name-taken", "The name is taken", detail=f"There is a server {server.name}.") from None
    _set_pins(row, server.pins, actor=actor)
    publish_on_commit()
    return row


@transaction.atomic
def replace_server(server: Server, *, actor: str) -> McpServer:
    """Everything but its name. Raises Problem 400, 404."""
    check_server(server)
    row = lock_row(server.name)
    row.revision += 1
    _fill(row, server, actor=actor)
    row.save()
    _set_pins(row, server.pins, actor=actor)
    publish_on_commit()
    return row


@transaction.atomic
def delete_server(name: str) -> None:
    """Boxes' own secrets for it stay sealed where they are until their owners delete them. Raises Problem 404."""
    lock_row(name).delete()
    publish_on_commit()


@transaction.atomic
def set_running(name: str, *, should_run: bool, actor: str) -> McpServer:
    """Again it is a new chance for a server in a crash loop: its revision grows. Raises Problem 404."""
    row = lock_row(name)
    row.revision, row.should_run = row.revision + 1, should_run
    row.changed_at, row.changed_by = timezone.now(), actor
    row.save()
    publish_on_commit()
    return row


@transaction.atomic
def approve_tools(name: str, pins: dict[str, str], *, actor: str) -> McpServer:
    """These tools may be called as they are by these hashes; what was approved of others stays."""
    row = lock_row(name)
    for tool, sha256 in pins.items():
        said = {"sha256": sha256, "approved_at": timezone.now(), "approved_by": actor}
        McpPin.objects.update_or_create(server=row, tool=tool, defaults=said)
    McpServer.objects.filter(id=row.id).update(revision=F("revision") + 1)
    publish_on_commit()
    return find_row(name)


def adopt_first_use(name: str, pins: dict[str, str], *, revision: int) -> bool:
    """What a server that is trusted on first use showed first is what it is held to; False where that is settled, and
    for the built-in tools, which change with a release.
    """
    with transaction.atomic():
        row = lock_row(name)
        is_settled = not row.trusts_first_use or row.pins.exists() or row.kind == "builtin"
        if is_settled or row.revision != revision or not pins:
            return False
        approve_tools(name, pins, actor=FIRST_USE)
        return True


def seal_anew() -> int:
    """Servers that were sealed under an older SECRET_KEY. Returns how many."""
    stale = [row for row in list_rows() if is_of_older_key(bytes(row.sealed_transport), name=row.name)]
    for row in stale:
        transport = open_transport(bytes(row.sealed_transport), name=row.name)
        rows = McpServer.objects.filter(id=row.id, sealed_transport=row.sealed_transport)
        rows.update(sealed_transport=seal_transport(transport, name=row.name))
    return len(stale)


def lock_row(name: str) -> McpServer:
    """Until the transaction ends. Raises Problem 404, and 409 for the built-in one: there is nothing to change."""
    row = find_row(name)
    if is_built_in(row):
        raise Problem(409, "built-in", "It is built in", detail=f"{name} {BUILT_IN_WORDS}")
    with leave_tenant():
        return McpServer.objects.select_for_update().get(id=row.id)


def _fill(row: McpServer, server: Server, *, actor: str) -> None:
    row.kind = KINDS.get(type(server.transport), "builtin")
    row.sealed_transport = seal_transport(server.transport, name=server.name)
    row.rules = msgspec.to_builtins(Rules(server.pool, server.limits, server.caching, server.access))
    row.should_run = server.should_run
    row.trusts_first_use = server.pins is None
    row.changed_at, row.changed_by = timezone.now(), actor


def _set_pins(row: McpServer, pins: tuple[Pin, ...] | None, *, actor: str) -> None:
    """None leaves what was approved: first use is over once something was seen."""
    if pins is None:
        return
    now, wanted = timezone.now(), {pin.tool: pin.sha256 for pin in pins}
    kept = {pin.tool for pin in row.pins.all() if wanted.get(pin.tool) == pin.sha256}
    row.pins.exclude(tool__in=kept).delete()
    new = [
        McpPin(server=row, tool=tool, sha256=sha256, approved_at=now, approved_by=actor)
        for tool, sha256 in wanted.items()
        if tool not in kept
    ]
    McpPin.objects.bulk_create(new)


def _check_command(server: Server) -> list[FieldError]:
    allowed = settings.ENV.allowed_commands
    if not isinstance(server.transport, Stdio) or "*" in allowed or server.transport.command in allowed:
        return []
    words = f"MCP_COMMANDS allows {', '.join(sorted(allowed))}: add it there, with its whole path if it has one"
    return [FieldError("/transport/command", "not-allowed", words)]


def _check_address(server: Server) -> list[FieldError]:
    """What can be told from its form; the gateway looks at each address it connects to."""
    http = server.transport
    if not isinstance(http, Http) or http.is_trusted:
        return []
    urls = {"/transport/url": http.url} | ({"/transport/oauth/token_url": http.oauth.token_url} if http.oauth else {})
    return [fault for pointer, url in urls.items() for fault in _judge(pointer, url)]


def _judge(pointer: str, url: str) -> list[FieldError]:
    try:
        Guard().check_address(url)
    except UnsafeTargetError as error:
        return [FieldError(pointer, "not-public", f"{error}; is_trusted: true allows an address of your own")]
    return []
