"""What the workers do for nodes."""

import sys
from uuid import UUID

import structlog
from celery import shared_task
from django.utils import timezone

from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.schedule import claim_due_cycles, finish_cycle
from tenants.context import current_tenant
from tenants.provisioning.schema import resume_provisioning
from tenants.tasks import TenantTask

log = structlog.get_logger(__name__)


@shared_task(name="nodes.tasks.dispatch_cycles")
def dispatch_cycles() -> None:
    """Every second, from beat: hands out the cycles that are due."""
    claimed = claim_due_cycles(timezone.now(), hand_out_cycle)
    if claimed:
        log.info("cycles_dispatched", count=claimed)


@shared_task(name="nodes.tasks.finish_provisioning")
def finish_provisioning() -> None:
    """Every minute, from beat: boxes whose provisioning was cut off get their schema."""
    resume_provisioning()


def hand_out_cycle(dazbox_id: UUID) -> None:
    run_node_cycle.send_for(dazbox_id)


@shared_task(base=TenantTask, name="nodes.tasks.run_node_cycle")
def run_node_cycle() -> None:
    """One cycle of the tenant in the headers. Its failure is parked on its own row and concerns nobody else."""
    started_at = timezone.now()
    try:
        run_cycle()
    finally:
        error = sys.exception()
        finish_cycle(
            current_tenant().id,
            took=timezone.now() - started_at,
            error=f"{type(error).__name__}: {error}" if error else "",
        )
