"""A box changes its plan."""

from django.db import transaction

from mcp_saas.kit.errors import Problem
from tenants.engine.plan import PLANS, PlanCode
from tenants.events import record_event
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


@transaction.atomic
def change_plan(dazbox: Dazbox, plan: PlanCode, *, actor: str) -> None:
    """What it has beyond a smaller plan stays; only more of it is refused."""
    before = dazbox.plan
    Dazbox.objects.filter(id=dazbox.id).update(plan=plan)
    if plan != before and dazbox.state in SERVED_STATES:
        record_event(refer_to(dazbox), "plan", text="The plan was changed", before=before, after=plan, actor=actor)


def refuse_unless_self_service(plan: PlanCode) -> None:
    """Raises Problem 403 for a plan that owners cannot choose by themselves."""
    if not PLANS[plan].is_self_service:
        raise Problem(
            403, "plan-not-self-service", "Not chosen by owners", detail="A shop or an operator sets this plan."
        )
