"""What a box uses of its plan, and what is refused beyond it: with a problem, never in silence."""

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils import timezone
from msgspec.structs import replace

from nodes.engine.alert import Alerts, find_level
from nodes.engine.report import NodeSnapshot
from nodes.models.channel import Channel
from nodes.models.snapshot import Snapshot
from nodes.pipeline.journal import note
from nodes.selectors.node import lock_own_node, read_own_node
from tenants import events
from tenants.context import current_tenant
from tenants.engine.plan import LimitName, refuse_beyond
from tenants.events import usage_asked
from tenants.selectors import find_plan

HOUR = dt.timedelta(hours=1)


def check_snapshot_quota(snapshot: NodeSnapshot) -> None:
    """Before a new snapshot is stored. Raises Problem 429 beyond the plan's channels or snapshots an hour."""
    limits = find_plan(current_tenant().id).limits
    if len(snapshot.channels) > limits["channels"]:
        raise refuse_beyond("channels", limits["channels"], detail=f"The snapshot has {len(snapshot.channels)}.")
    limit = limits["snapshots_per_hour"]
    now = timezone.now()
    earliest = _times_of_newest()[limit - 1 : limit].first()  # the one that must have left the hour
    if earliest is not None and earliest > now - HOUR:
        raise refuse_beyond("snapshots_per_hour", limit, detail="", reset=earliest + HOUR - now)


@receiver(usage_asked, dispatch_uid="nodes usage")
def count_usage(**_: object) -> dict[LimitName, int]:
    """Of the tenant we are in."""
    since = timezone.now() - HOUR
    limit = find_plan(current_tenant().id).limits["snapshots_per_hour"]
    return {
        "channels": Channel.objects.filter(closed_at=None).count(),
        "snapshots_per_hour": sum(at > since for at in _times_of_newest()[:limit]),
    }


def watch_quota() -> None:
    """Of the tenant we are in: its owner is told once when a limit of the plan is near, and once when it is reached."""
    limits, told = find_plan(current_tenant().id).limits, (read_own_node().alerts or Alerts()).quota
    used = {name: count for name, count in events.count_usage().items() if limits[name] > 0}
    levels = {name: find_level(count / limits[name], told.get(name, 0.0)) for name, count in used.items()}
    if levels == {name: told.get(name, 0.0) for name in used}:
        return
    with transaction.atomic():
        node = lock_own_node()
        for name in sorted(used):
            if levels[name] > told.get(name, 0.0):
                text = f"{used[name]:,} of {limits[name]:,} {name.replace('_', ' ')} of the plan are used"
                note("quota", text, limit=name, used=used[name], allowed=limits[name])
        node.alerts = replace(node.alerts or Alerts(), quota=levels)
        node.save(update_fields=["alerts"])


def _times_of_newest() -> "QuerySet[Snapshot, dt.datetime]":
    """When snapshots came in, the newest first; `seq` grows with time, so its index serves."""
    return Snapshot.objects.order_by("-seq").values_list("received_at", flat=True)
