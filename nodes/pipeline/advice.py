"""Advice is made above us, out of what a cycle leaves: here is only when."""

import datetime as dt

from tenants.context import current_tenant
from tenants.engine.turn import find_period_turn
from tenants.queue import queue_job_once

ADVISE_TASK = "recommendations.tasks.advise_node"
ADVISE_EVERY_S = 3600


def queue_advice(now: dt.datetime) -> None:
    """For the tenant we are in, at its own time of the hour; cycles until then need no other."""
    tenant = current_tenant()
    queue_job_once(tenant.id, ADVISE_TASK, due_at=find_period_turn(tenant.id, now, period_s=ADVISE_EVERY_S))
