"""Tasks of one tenant: they carry its id in their headers and run behind its door."""

from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.utils import timezone

from mcp_saas.api import idempotency
from tenants.context import NoTenantError, enter_tenant
from tenants.selectors import find_active_tenant, list_share
from tenants.tokens import purge

HEADER = "tenant_id"
SHARES, SHARE_S = 12, 300  # every five minutes a twelfth of the boxes: each has its turn once an hour
MAX_ANSWERS = 10_000  # of one schema at a turn


class TenantTask(Task):  # type: ignore[type-arg]
    """`@shared_task(base=TenantTask)`; send it with `send_for(tenant_id)`. Without a tenant it refuses to run."""

    abstract = True

    def send_for(self, tenant_id: UUID, *args: Any) -> None:
        self.apply_async(args=args, headers={HEADER: str(tenant_id)})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tenant_id = (self.request.headers or {}).get(HEADER) or self.request.get(HEADER)
        if tenant_id is None:
            raise NoTenantError(f"{self.name} was sent without a tenant: use send_for()")
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
