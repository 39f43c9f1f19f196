"""Boxes' own secrets as gateways get them: what changed is sealed anew, and nothing else is touched.

1. who has any, and since when: one query, and no box is entered
2. what stands in Redis under another mark is sealed anew, of its box alone; what nobody has any more is taken away
3. gateways hear that something changed
"""

from collections import defaultdict
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError

from bridge.catalogue.models import SecretHolder
from bridge.engine.board import CHANGED
from bridge.engine.own_secrets import ALL, MARK_BYTES, SECRETS, seal_secrets
from bridge.engine.server import TenantSecret
from bridge.manager.board import board, state_key
from bridge.models.secret import McpSecret
from mcp_saas.kit.crypto import SealError, digest_keyed
from tenants.context import enter_tenant, leave_tenant
from tenants.models.dazbox import DazboxState
from tenants.selectors import find_standing

log = structlog.get_logger(__name__)
Marks = dict[UUID, bytes]


def tell_secrets() -> int:
    """How many boxes' were written or taken away. Another process may write meanwhile: then it is looked at again.
    Raises RedisError.
    """
    key = state_key()
    if key is None:
        return 0
    marks = read_marks(key)
    if board().hget(SECRETS, ALL) == _mark_all(marks, key):
        return 0
    write = partial(_write, marks=marks, key=key)
    changed: int = board().transaction(write, SECRETS, value_from_callable=True)
    board().publish(CHANGED, "secrets")
    return changed


def read_marks(key: bytes) -> Marks:
    """Of each box in service that has secrets: another one as soon as one of them was set."""
    stamps: dict[UUID, list[str]] = defaultdict(list)
    with leave_tenant():
        holders = SecretHolder.objects.filter(dazbox__state=DazboxState.ACTIVE).order_by("dazbox_id", "server_id")
        for tenant_id, server_id, stamp in holders.values_list("dazbox_id", "server_id", "stamp"):
            stamps[tenant_id].append(f"{server_id} {stamp}")
    return {tenant_id: _mark(key, *found) for tenant_id, found in stamps.items()}


def _write(pipe: Any, *, marks: Marks, key: bytes) -> int:
    """Of a pipeline that watches the hash."""
    there: dict[bytes, bytes] = pipe.hgetall(SECRETS)
    there.pop(ALL, None)
    wanted = {str(tenant_id).encode(): tenant_id for tenant_id in marks}
    late = [tenant_id for field, tenant_id in wanted.items() if there.get(field, b"")[:MARK_BYTES] != marks[tenant_id]]
    sealed = {tenant_id: _seal_own(tenant_id, marks[tenant_id], key=key) for tenant_id in late}
    told = {str(tenant_id): value for tenant_id, value in sealed.items() if value is not None}
    gone = [field for field in there if field not in wanted]
    is_whole = len(told) == len(late)  # else it is looked at again
    pipe.multi()
    if gone:
        pipe.hdel(SECRETS, *gone)
    pipe.hset(SECRETS, mapping=told | {ALL: _mark_all(marks, key) if is_whole else b"more"})
    return len(told) + len(gone)


def _seal_own(tenant_id: UUID, mark: bytes, *, key: bytes) -> bytes | None:
    """None: they cannot be read now, which stops nobody else's."""
    standing = find_standing(tenant_id)
    if standing is None:
        return None
    try:
        with enter_tenant(standing.tenant):
            rows = list(McpSecret.objects.order_by("server"))
        secrets = [TenantSecret(row.server, tenant_id, env=row.secret.env, bearer=row.secret.bearer) for row in rows]
    except (DatabaseError, SealError) as error:
        log.error("own_secrets_not_told", tenant=str(tenant_id), error=type(error).__name__)  # noqa: TRY400 - no trace
        return None
    return seal_secrets(secrets, key, tenant_id=tenant_id, mark=mark)


def _mark_all(marks: Marks, key: bytes) -> bytes:
    return _mark(key, *(f"{tenant_id} {mark.hex()}" for tenant_id, mark in sorted(marks.items())))


def _mark(key: bytes, *words: str) -> bytes:
    return digest_keyed(key, "\n".join(words).encode())[:MARK_BYTES]
