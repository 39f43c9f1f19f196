"""What the workers do for recommendations."""

from celery import shared_task

from nodes.pipeline.advice import ADVISE_TASK
from recommendations.pipeline.recommend import refresh_advice
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, name=ADVISE_TASK)
def advise_node() -> None:
    """Of the tenant we are in, so that new advice is told before anybody asks."""
    refresh_advice()
