"""The catalogue as gateways get it: from PostgreSQL, sealed, to Redis. Boxes' own secrets go beside it (own_secrets).

    1. what there is now is read under a lock, and numbered anew when it is not what was told last
    2. it is written to Redis, unless another process told something newer
    3. gateways hear that it changed

Told on commit of each change, and by a task every ten seconds: a Redis that lost everything has it again by then.
"""

import msgspec
import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from bridge.catalogue.models import CatalogueState
from bridge.engine.board import CATALOGUE, CHANGED, seal_catalogue
from bridge.engine.server import Catalogue, Server
from bridge.manager.board import board, state_key
from bridge.manager.own_secrets import tell_secrets
from bridge.manager.standing import list_closed, list_token_versions
from bridge.selectors.catalogue import list_rows, read_server
from mcp_saas.kit.crypto import SealError, digest_keyed
from tenants.context import leave_tenant

log = structlog.get_logger(__name__)
NUMBER = "dazbox:mcp:catalogue:number"
# KEYS catalogue, number; ARGV number, sealed, channel. What stands there already is left. Returns the number there.
_TELL = """
local there = tonumber(redis.call('GET', KEYS[2]) or '-1')
local number = tonumber(ARGV[1])
if there > number or (there == number and redis.call('EXISTS', KEYS[1]) == 1) then return tostring(there) end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[3], ARGV[1])
return ARGV[1]
"""


def publish_on_commit() -> None:
    """After the change we are in. A fault is logged: the task will tell it."""
    transaction.on_commit(try_publish, robust=True)


def try_publish() -> bool:
    """False: it could not be told now."""
    try:
        publish()
        tell_secrets()
    except (RedisError, DatabaseError, SealError) as error:
        log.warning("catalogue_not_told", error=type(error).__name__, reason=str(error))
        return False
    return True


def publish() -> int | None:
    """The number told; None without MCP_STATE_KEY. Raises RedisError, SealError."""
    key = state_key()
    if key is None:
        return None
    catalogue = take_stock(key)
    there = _tell(catalogue, key)
    if there > catalogue.revision:  # another process was faster, or the database is an older one than before
        catalogue = take_stock(key, after=there)
        _tell(catalogue, key)
    return catalogue.revision


def _tell(catalogue: Catalogue, key: bytes) -> int:
    sealed = seal_catalogue(catalogue, key)
    return int(board().eval(_TELL, 2, CATALOGUE, NUMBER, catalogue.revision, sealed, CHANGED))


@transaction.atomic
def take_stock(key: bytes, *, after: int = 0) -> Catalogue:
    """All that gateways need, numbered: one more than before when it is another, and more than `after`."""
    with leave_tenant():
        CatalogueState.objects.get_or_create(id=1, defaults={"digest": b""})
        state = CatalogueState.objects.select_for_update().get(id=1)
    catalogue = gather(state.number)
    digest = digest_keyed(key, msgspec.json.encode(catalogue))
    if digest == bytes(state.digest) and state.number > after:
        return catalogue
    catalogue = msgspec.structs.replace(catalogue, revision=max(state.number, after) + 1)
    content = msgspec.json.encode(catalogue)
    with leave_tenant():
        CatalogueState.objects.filter(id=1).update(number=catalogue.revision, digest=digest_keyed(key, content))
    return catalogue


def gather(number: int) -> Catalogue:
    now = timezone.now()
    return Catalogue(
        number,
        servers=tuple(_read_servers()),
        closed=list_closed(now),
        token_versions=list_token_versions(now),
    )


def _read_servers() -> list[Server]:
    """One that cannot be opened any more stops nobody else's."""
    found = []
    for row in list_rows():
        try:
            found.append(read_server(row))
        except SealError as error:
            log.error("server_not_opened", server=row.name, reason=str(error))  # noqa: TRY400 - no trace is needed
    return found
