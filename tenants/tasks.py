"""Tasks of one tenant: they carry its id in their headers and run behind its door."""

from typing import Any
from uuid import UUID

from celery import Task, shared_task

from tenants.context import NoTenantError, enter_tenant
from tenants.selectors import find_active_tenant
from tenants.tokens import purge

HEADER = "tenant_id"


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
