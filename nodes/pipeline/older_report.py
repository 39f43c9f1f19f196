"""Reports of the older box software go in by the same door as all others; fuller reports stand before them."""

import datetime as dt

from django.utils import timezone
from msgspec.structs import replace as replace_fields

from mcp_saas.kit.errors import FieldError, Problem, not_found
from nodes.engine.older_report import OlderReport, make_snapshot
from nodes.models.snapshot import Snapshot
from nodes.pipeline.ingest import SnapshotReceipt, accept_snapshot
from nodes.selectors.node import read_own_node
from tenants.context import current_tenant

FULL_COUNTS_FOR = dt.timedelta(hours=24)
_POINTERS = {"/seq": "/timestamp", "/taken_at": "/timestamp"}


def accept_older_report(report: OlderReport) -> SnapshotReceipt | None:
    """None: it is not stored, for the agent reported within 24 hours, and told policies as well.

    Raises Problem 404 for the pubkey of another node, and what `accept_snapshot` raises.
    """
    if report.pubkey != current_tenant().pubkey:
        raise not_found("This node is not the one your token belongs to.")
    if _knows_more():
        return None
    try:
        return accept_snapshot(make_snapshot(report, known=read_own_node().state))
    except Problem as problem:
        raise _point_at_theirs(problem) from None


def _knows_more() -> bool:
    newest = Snapshot.objects.order_by("-seq").first()
    is_fresh = newest is not None and newest.received_at > timezone.now() - FULL_COUNTS_FOR
    return newest is not None and is_fresh and any(one.own_policy for one in newest.content.channels)


def _point_at_theirs(problem: Problem) -> Problem:
    """The same refusal in the names of their fields."""
    errors = [_rename(error) for error in problem.errors]
    detail = f"{errors[0].pointer}: {errors[0].detail}" if errors else problem.detail
    named = Problem(problem.status, problem.code, problem.title, detail=detail, errors=errors)
    named.headers = problem.headers
    return named


def _rename(error: FieldError) -> FieldError:
    return replace_fields(error, pointer=_POINTERS.get(error.pointer, error.pointer))
