"""Tasks of one tenant: they carry its id in their headers and run behind its door."""

import datetime as dt
from typing import Any
from uuid import UUID

from celery import Task, current_app, shared_task
from django.utils import timezone

from mcp_saas.api import idempotency
from tenants.context import NoTenantError, enter_tenant
from tenants.queue import TurnClaim, hand_out_turns, purge_parked, queue_job, work_shift
from tenants.selectors import find_active_tenant, list_share
from tenants.tokens import purge

HEADER = "tenant_id"
SHARES, SHARE_S = 12, 300  # every five minutes a twelfth of the boxes: each has its turn once an hour
MAX_ANSWERS = 10_000  # of one schema at a turn


class TenantTask(Task):  # type: ignore[type-arg]
    """`@shared_task(base=TenantTask)`; ask for it with `queue_for(tenant_id)`. Without a tenant it refuses to run."""

    abstract = True

    def queue_for(self, tenant_id: UUID, *args: Any) -> None:
        """In the fair queue, with the transaction we are in: see `tenants.queue` for what a task must bear there."""
        queue_job(tenant_id, self.name, args=list(args))

    def send_for(self, tenant_id: UUID, *args: Any) -> None:
        """At once and past the fair queue: only for work that is claimed, so that no box can ask for much of it."""
        self.apply_async(args=args, headers={HEADER: str(tenant_id)})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenant_id = (self.request.headers or {}).get(HEADER) or self.request.get(HEADER)
        if tenant_id is None:
            raise NoTenantError(f"{self.name} was sent without a tenant: use queue_for()")
        tenant = find_active_tenant(UUID(tenant_id))
        if tenant is None:
            return None  # suspended or gone since the message was sent
        with enter_tenant(tenant):
            return self.run(*args, **kwargs)  # Task.__call__ would hide the message's request behind an empty one


@shared_task(name="tenants.tasks.purge_tokens")
def purge_tokens() -> None:
    """Every five minutes, from beat: tokens, assertions and failed attempts that nothing can need any more."""
    purge.purge_tokens()


@shared_task(name="tenants.tasks.purge_answers")
def purge_answers() -> None:
    """Every five minutes, from beat: stored answers past their time, also of boxes that never ask again."""
    idempotency.purge_answers(limit=MAX_ANSWERS)
    turn = int(timezone.now().timestamp()) // SHARE_S % SHARES
    for tenant in list_share(turn, of=SHARES):
        with enter_tenant(tenant):
            idempotency.purge_answers(limit=MAX_ANSWERS)


@shared_task(name="tenants.tasks.dispatch_jobs")
def dispatch_jobs() -> None:
    """Every second, from beat, and after each shift: workers go to the boxes whose jobs wait."""
    hand_out_turns(timezone.now(), start_shift)


def start_shift(claim: TurnClaim) -> None:
    work_jobs.delay(str(claim.dazbox_id), claim.served_at.isoformat())


@shared_task(name="tenants.tasks.work_jobs")
def work_jobs(dazbox_id: str, served_at: str) -> None:
    """Jobs of box after box for half a second or so. A failure is noted on its own row and concerns nobody else."""
    claim = TurnClaim(UUID(dazbox_id), dt.datetime.fromisoformat(served_at))
    work_shift(claim, lambda task, args: current_app.tasks[task].run(*args))
    hand_out_turns(timezone.now(), start_shift)


@shared_task(name="tenants.tasks.purge_jobs")
def purge_jobs() -> None:
    """Every hour, from beat: jobs that were parked long ago."""
    purge_parked(timezone.now())
