"""What the workers do for nodes."""

import datetime as dt
from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from nodes.pipeline.action import expire_actions
from nodes.pipeline.advice import queue_advice
from nodes.pipeline.apply import apply_to_own_node, has_work
from nodes.pipeline.candidate import find_candidates, measure_candidates
from nodes.pipeline.candidate_turn import LIST_TASK, queue_candidates, queue_candidates_of_all
from nodes.pipeline.export import order
from nodes.pipeline.forecast import has_forecast, is_forecast_due, keep_forecast
from nodes.pipeline.graph_refresh import load_waiting, refresh_from_lnd
from nodes.pipeline.notify.deliver import deliver_next
from nodes.pipeline.notify.sweep import sweep_notices
from nodes.pipeline.pull import READ_WITHIN_S, pull_node
from nodes.pipeline.quota import watch_quota
from nodes.pipeline.reencrypt import note_reencryption, seal_batch
from nodes.pipeline.schedule import CycleClaim, claim_due_cycles, return_lost_cycle, run_claimed_cycle
from nodes.pipeline.silence import begin_watch, watch_reports
from nodes.pipeline.webhook import deliver, sweep
from nodes.selectors.candidate import is_stale
from nodes.selectors.position import newest_load
from tenants.context import current_tenant, enter_tenant
from tenants.engine.turn import find_period_turn
from tenants.events import ElsewhereError, seal_elsewhere
from tenants.provisioning.erasure import wipe_remains
from tenants.provisioning.purge import purge_due_boxes
from tenants.provisioning.schema import resume_provisioning
from tenants.provisioning.spare import tend_pool
from tenants.queue import queue_job, queue_job_once
from tenants.selectors import find_active_tenant, list_share
from tenants.tasks import SHARE_S, SHARES, TenantTask

SEAL_AGAIN_AFTER = dt.timedelta(minutes=1)
WATCHES = 5
GRAPH_WITHIN_S = 240  # below the broker's visibility timeout: nobody else begins meanwhile
MEASURE_EVERY_S = 6 * 3600  # boxes whose gains are measured do not come together
DAY_S = 86_400
CYCLE_WITHIN_S = 30  # beside the reading of its node
log = structlog.get_logger(__name__)


@shared_task(name="nodes.tasks.dispatch_cycles")
def dispatch_cycles() -> None:
    """Every second, from beat: hands out the cycles that are due."""
    claimed = claim_due_cycles(timezone.now(), hand_out_cycle)
    if claimed:
        log.info("cycles_dispatched", count=claimed)


@shared_task(name="nodes.tasks.finish_provisioning")
def finish_provisioning() -> None:
    """Every minute, from beat: cut-off boxes get their schema, those whose grace is over lose theirs."""
    resume_provisioning()
    purge_due_boxes()
    wipe_remains()


@shared_task(name="nodes.tasks.tend_spare_schemas")
def tend_spare_schemas() -> None:
    """Every ten seconds, from beat: boxes to come find their schema built."""
    built = tend_pool(settings.ENV.spare_schemas)
    if built:
        log.info("spare_schemas_built", count=built)


def hand_out_cycle(claim: CycleClaim) -> None:
    run_node_cycle.send_for(claim.dazbox_id, claim.claimed_at.isoformat())


@shared_task(base=TenantTask, name="nodes.tasks.seal_anew")
@transaction.atomic
def seal_anew(rows: int = 0) -> None:
    """The next batch of a box that has a new key, then a job for the one after: others have turns between them."""
    if sealed := seal_batch():
        seal_anew.queue_for(current_tenant().id, rows + sealed)
    else:
        note_reencryption(rows)
        seal_anew_elsewhere.queue_for(current_tenant().id)


@shared_task(base=TenantTask, name="nodes.tasks.seal_anew_elsewhere")
def seal_anew_elsewhere() -> None:
    """Then what lies outside its rows, batch by batch too, however long it cannot be reached."""
    try:
        again_at = timezone.now() if seal_elsewhere() else None
    except ElsewhereError as error:
        log.warning("not_sealed_anew", tenant=str(current_tenant().id), error=str(error))
        again_at = timezone.now() + SEAL_AGAIN_AFTER
    if again_at:
        queue_job(current_tenant().id, seal_anew_elsewhere.name, args=[], due_at=again_at)


@shared_task(base=TenantTask, name="nodes.tasks.deliver_notices")
def deliver_notices() -> None:
    """One message to the owner of the tenant we are in, and a job for when the next one may go."""
    if again_at := deliver_next(timezone.now()):
        queue_job(current_tenant().id, deliver_notices.name, args=[], due_at=again_at)


@shared_task(base=TenantTask, name="nodes.tasks.deliver_webhooks")
def deliver_webhooks() -> None:
    """One webhook of the tenant we are in, and a job for when the next one may go."""
    if again_at := deliver.deliver_next(timezone.now()):
        queue_job_once(current_tenant().id, deliver_webhooks.name, due_at=again_at)


@shared_task(name="nodes.tasks.sweep_late_notices")
def sweep_late_notices() -> None:
    """Every five minutes, from beat: of a twelfth of the boxes, so each has its turn once an hour."""
    now = timezone.now()
    for tenant in list_share(int(now.timestamp()) // SHARE_S % SHARES, of=SHARES):
        with enter_tenant(tenant):
            if sweep_notices(now):
                log.warning("late_notices_queued", tenant=str(tenant.id))
            if sweep.sweep_webhooks(now):
                log.warning("late_webhooks_queued", tenant=str(tenant.id))


@shared_task(name="nodes.tasks.watch_nodes")
def watch_nodes() -> None:
    """Every minute, from beat: a fifth of the boxes in service, so each is looked at every five minutes."""
    now = timezone.now()
    since = begin_watch(now)
    for tenant in list_share(int(now.timestamp()) // 60 % WATCHES, of=WATCHES):
        if find_active_tenant(tenant.id) is None:
            continue  # one that is suspended need not report
        with enter_tenant(tenant):
            if watch_reports(now, watching_since=since):
                log.warning("node_silent", tenant=str(tenant.id))
            watch_quota()


@shared_task(
    bind=True,
    base=TenantTask,
    name="nodes.tasks.run_node_cycle",
    soft_time_limit=READ_WITHIN_S + CYCLE_WITHIN_S,
    time_limit=READ_WITHIN_S + CYCLE_WITHIN_S + 15,
)
def run_node_cycle(self: TenantTask, claimed_at: str) -> None:
    """One cycle of the tenant in the headers; first its node is read, where the owner left us a credential for it. A
    failure is parked on the box's own row and concerns nobody else.
    """
    claim = CycleClaim(current_tenant().id, dt.datetime.fromisoformat(claimed_at))
    if (self.request.delivery_info or {}).get("redelivered"):
        return_lost_cycle(claim, timezone.now())  # its first worker died; it may have been the reason
    else:
        run_claimed_cycle(claim, before=pull_node)
        queue_applying()
        queue_candidates()
        queue_forecast()
        queue_advice(timezone.now())


@shared_task(base=TenantTask, name="nodes.tasks.apply_approved")
def apply_approved() -> None:
    """Writes to the node of a box whose owner left us a credential; what could not be asked is tried again."""
    apply_to_own_node()


def queue_applying() -> None:
    """Of the tenant we are in, in its fair queue: one job after the other, so no two write at once."""
    if has_work():
        apply_approved.queue_for(current_tenant().id)


@shared_task(base=TenantTask, name=LIST_TASK)
def list_candidates() -> None:
    """Whom the node might open a channel to; what takes seconds of it follows when this box has its turn. Nothing where
    another job was faster.
    """
    if is_stale() and find_candidates():
        due_at = find_period_turn(current_tenant().id, timezone.now(), period_s=MEASURE_EVERY_S)
        queue_job_once(current_tenant().id, measure_gains.name, due_at=due_at)


@shared_task(base=TenantTask, name="nodes.tasks.measure_gains")
def measure_gains() -> None:
    """The gains in betweenness of the best candidates."""
    measure_candidates()


@shared_task(name="nodes.tasks.refresh_graph", soft_time_limit=GRAPH_WITHIN_S, time_limit=GRAPH_WITHIN_S + 20)
def refresh_graph() -> None:
    """Every ten minutes, from beat, and after an upload: what waits is loaded, what is old is read anew. Where that is
    another graph than before, every box gets new candidates by it, without waiting for its next cycle.
    """
    before = newest_load()
    load_waiting()
    refresh_from_lnd(timezone.now())
    if newest_load() != before:
        queue_candidates_of_all()


@shared_task(base=TenantTask, name="nodes.tasks.forecast_flows")
def forecast_flows() -> None:
    """Of the tenant we are in; several that were asked for at once make one."""
    now = timezone.now()
    if is_forecast_due(now):
        keep_forecast(now)


def queue_forecast() -> None:
    """Of the tenant we are in: the first at once, then once a day, each box at its own time."""
    now = timezone.now()
    if is_forecast_due(now):
        due_at = find_period_turn(current_tenant().id, now, period_s=DAY_S) if has_forecast() else now
        queue_job_once(current_tenant().id, forecast_flows.name, due_at=due_at)


@shared_task(name="nodes.tasks.run_export", soft_time_limit=order.TIME_LIMIT_S, time_limit=order.TIME_LIMIT_S + 30)
def run_export(export_id: str) -> None:
    """One export. Not a task of a tenant's own: those of a box that is out of service do not run, its export does."""
    order.run_export(UUID(export_id))


@shared_task(name="nodes.tasks.tend_exports")
def tend_exports() -> None:
    """Every minute, from beat: exports that were lost are begun again, those past their time go."""
    removed = order.tend_exports(hand_out_export)
    if removed:
        log.info("exports_removed", count=removed)


@shared_task(name="nodes.tasks.expire_late_actions")
def expire_late_actions() -> None:
    """Every five minutes, from beat: of a twelfth of the boxes. A box that asks or reports does it for itself."""
    now = timezone.now()
    turn = int(now.timestamp()) // SHARE_S % SHARES
    for tenant in list_share(turn, of=SHARES):
        with enter_tenant(tenant):
            expire_actions(now)


def hand_out_export(export_id: UUID) -> None:
    run_export.delay(str(export_id))
