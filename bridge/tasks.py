"""What the workers do for the bridge."""

import datetime as dt

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from bridge.engine.observed import GatewaySeen
from bridge.manager import audit
from bridge.manager.catalogue import adopt_first_use, seal_anew
from bridge.manager.publish import try_publish
from bridge.manager.seen import observe, read_gateways
from bridge.selectors.catalogue import list_rows
from mcp_saas.kit.errors import Problem
from tenants.context import enter_tenant
from tenants.selectors import list_share

SHARES, SHARE_S = 12, 300  # every five minutes a twelfth of the boxes
MAX_CALLS = 20_000  # of one box at a turn
log = structlog.get_logger(__name__)


@shared_task(name="bridge.tasks.tend_catalogue")
def tend_catalogue() -> None:
    """Every ten seconds, from beat: gateways are told what they missed, and first tools become the approved ones."""
    seal_anew()
    try:
        _adopt(read_gateways())
    except RedisError as error:
        log.warning("gateways_not_read", error=type(error).__name__)
    try_publish()


def _adopt(gateways: tuple[GatewaySeen, ...]) -> None:
    for row in list_rows():
        seen = observe(row.name, gateways)
        if row.kind != "builtin" and row.trusts_first_use and not row.pins.all() and seen is not None:
            try:
                adopt_first_use(row.name, seen.seen_pins, revision=seen.revision)
            except Problem as problem:  # it was deleted meanwhile
                log.info("first_use_not_kept", server=row.name, reason=problem.detail)


@shared_task(name="bridge.tasks.drain_audit")
def drain_audit() -> None:
    """Every two seconds, from beat: calls made at the gateways go into the tables of their boxes."""
    try:
        audit.drain()
    except RedisError as error:
        log.warning("audit_not_drained", error=type(error).__name__)


@shared_task(name="bridge.tasks.purge_calls")
def purge_calls() -> None:
    """Every five minutes, from beat: calls past MCP_AUDIT_DAYS, of a twelfth of the boxes."""
    turn = int(timezone.now().timestamp()) // SHARE_S % SHARES
    for tenant in list_share(turn, of=SHARES):
        with enter_tenant(tenant):
            audit.purge(older_than=dt.timedelta(days=settings.ENV.mcp_audit_days), limit=MAX_CALLS)
