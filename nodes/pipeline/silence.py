"""A node that has stopped reporting: told once, and once more when it is back."""

import datetime as dt

import structlog
from django.core.cache import cache
from django.db import transaction
from msgspec.structs import replace

from nodes.engine.alert import Alerts, find_patience
from nodes.models.node import OwnNode
from nodes.models.snapshot import Snapshot
from nodes.pipeline.journal import note
from nodes.selectors.node import lock_own_node

LOOKED_AT = 6  # reports, to know the usual pause between two
WATCHING = "nodes:watching"
LONGEST_BREAK = dt.timedelta(minutes=3)  # of our own watch; after a longer one it begins anew
KEPT_S = 86_400
log = structlog.get_logger(__name__)


def begin_watch(now: dt.datetime) -> dt.datetime:
    """Since when we have been watching without a break: while we ourselves were away, nobody could report.

    Without Redis it begins now, so nobody is called silent.
    """
    try:
        since, last = cache.get(WATCHING) or (now, now)
        since = now if now - last > LONGEST_BREAK else since
        cache.set(WATCHING, (since, now), timeout=KEPT_S)
    except Exception as error:  # noqa: BLE001 - whatever its client raises: the watch goes on at the next turn
        log.warning("watch_unknown", error=type(error).__name__)
        return now
    return since


def watch_reports(now: dt.datetime, *, watching_since: dt.datetime) -> bool:
    """Of the tenant we are in. Returns whether its owner is told now that the node is silent."""
    times = list(Snapshot.objects.order_by("-seq").values_list("received_at", flat=True)[:LOOKED_AT])
    if not times or now - max(times[0], watching_since) <= find_patience(times):
        return False
    with transaction.atomic():
        node = lock_own_node()
        alerts = node.alerts or Alerts()
        if alerts.silent_since is not None or Snapshot.objects.filter(received_at__gt=times[0]).exists():
            return False
        node.alerts = replace(alerts, silent_since=times[0])
        node.save(update_fields=["alerts"])
        text = f"The node has not reported since {times[0]:%Y-%m-%d %H:%M} UTC: is the box on, and its node running?"
        note("node-report", text, is_silent=True, last_report_at=times[0].isoformat())
    return True


def end_silence(node: OwnNode) -> None:
    """In the transaction that takes a report in. The caller saves `node.alerts`."""
    if node.alerts is None or node.alerts.silent_since is None:
        return
    since = node.alerts.silent_since
    node.alerts = replace(node.alerts, silent_since=None)
    text = f"The node reports again; the last report before was of {since:%Y-%m-%d %H:%M} UTC"
    note("node-report", text, is_silent=False, last_report_at=since.isoformat())
