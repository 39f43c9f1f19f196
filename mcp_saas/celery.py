"""The Celery application (`celery -A mcp_saas.celery`): worker and beat."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.base")

app = Celery("mcp_saas")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # a worker killed in the middle of a cycle: the cycle runs again
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,  # a slow cycle holds no other tenant's message back
    task_soft_time_limit=30,
    task_time_limit=45,
    worker_max_tasks_per_child=1000,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 300},
    beat_schedule={
        "dispatch-cycles": {"task": "nodes.tasks.dispatch_cycles", "schedule": 1.0, "options": {"expires": 5}},
        "dispatch-jobs": {"task": "tenants.tasks.dispatch_jobs", "schedule": 1.0, "options": {"expires": 5}},
        "finish-provisioning": {"task": "nodes.tasks.finish_provisioning", "schedule": 60.0},
        "tend-exports": {"task": "nodes.tasks.tend_exports", "schedule": 60.0, "options": {"expires": 50}},
        "tend-spare-schemas": {"task": "nodes.tasks.tend_spare_schemas", "schedule": 10.0, "options": {"expires": 10}},
        "expire-actions": {"task": "nodes.tasks.expire_late_actions", "schedule": 300.0, "options": {"expires": 240}},
        "sweep-notices": {"task": "nodes.tasks.sweep_late_notices", "schedule": 300.0, "options": {"expires": 240}},
        "watch-nodes": {"task": "nodes.tasks.watch_nodes", "schedule": 60.0, "options": {"expires": 50}},
        "purge-answers": {"task": "tenants.tasks.purge_answers", "schedule": 300.0, "options": {"expires": 240}},
        "purge-tokens": {"task": "tenants.tasks.purge_tokens", "schedule": 300.0, "options": {"expires": 240}},
        "forget-boxes": {"task": "rag.tasks.forget_departed_boxes", "schedule": 60.0, "options": {"expires": 50}},
        "tend-library": {"task": "rag.tasks.tend_library", "schedule": 30.0, "options": {"expires": 25}},
        "tend-mcp": {"task": "bridge.tasks.tend_catalogue", "schedule": 10.0, "options": {"expires": 10}},
        "drain-mcp-audit": {"task": "bridge.tasks.drain_audit", "schedule": 2.0, "options": {"expires": 5}},
        "purge-mcp-calls": {"task": "bridge.tasks.purge_calls", "schedule": 300.0, "options": {"expires": 240}},
        "refresh-graph": {"task": "nodes.tasks.refresh_graph", "schedule": 600.0, "options": {"expires": 500}},
        "purge-jobs": {"task": "tenants.tasks.purge_jobs", "schedule": 3600.0},
    },
)
app.autodiscover_tasks(["tenants", "nodes", "rag", "recommendations", "bridge"])


def hurry_publishing(app: Celery) -> None:
    """For processes that answer requests: a silent broker holds a thread for a second and is not asked again.

    What is sent is in the database too, so beat hands it out later. A worker waits for messages: it is not hurried.
    """
    quick = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 0}  # seconds
    app.conf.update(task_publish_retry=False, broker_transport_options=app.conf.broker_transport_options | quick)


@worker_init.connect
def freeze_heap(**_: Any) -> None:
    """What is loaded by now stays out of garbage collection, so that forked processes go on sharing its pages."""
    gc.collect()
    gc.freeze()
