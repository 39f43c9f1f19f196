"""A box whose node the cloud reads by itself: pull, look at the line, let time pass, take a worker's turn."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils import timezone

from nodes.engine.connection import Connection
from nodes.models.forward import ForwardDay
from nodes.models.journal import JournalEntry
from nodes.models.node import OwnNode
from nodes.pipeline.pull import FRESH, pull_node
from nodes.pipeline.schedule import CycleClaim, run_claimed_cycle
from nodes.selectors.node import read_own_node
from tenants.context import enter_tenant
from tenants.models.schedule import CycleSchedule
from tests.factories import Box
from tests.fakes.driven_node import DrivenNode


@dataclass
class Cloud:
    box: Box
    node: DrivenNode

    def pull(self) -> bool:
        with enter_tenant(self.box.tenant):
            return pull_node()

    def line(self) -> Connection:
        with enter_tenant(self.box.tenant):
            return read_own_node().connection or Connection()

    def let_time_pass(self, of: str = "retry_at") -> None:
        """So much that the node may be asked again."""
        with enter_tenant(self.box.tenant):
            row = OwnNode.objects.get()
            if of == "retry_at" and row.connection:
                row.connection = msgspec.structs.replace(row.connection, retry_at=timezone.now())
            row.last_taken_at = row.last_taken_at and row.last_taken_at - FRESH
            row.save()

    def journal(self) -> list[str]:
        with enter_tenant(self.box.tenant):
            return [entry.detail.text for entry in JournalEntry.objects.filter(kind="connection").order_by("id")]

    def count_forwards(self) -> tuple[int, int]:
        """(stored, different)"""
        with enter_tenant(self.box.tenant):
            ids = [forward.id for day in ForwardDay.objects.all() for forward in day.forwards]
        return len(ids), len(set(ids))


def trust(settings: Any, node: DrivenNode) -> None:
    port = int(node.url.rpartition(":")[2])
    settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": [("127.0.0.1", port)]})


def run_claim(cloud: Cloud) -> CycleSchedule:
    """A worker's turn: the node is read, then the cycle runs."""
    now = timezone.now()
    CycleSchedule.objects.filter(dazbox_id=cloud.box.dazbox.id).update(started_at=now)
    with enter_tenant(cloud.box.tenant):
        run_claimed_cycle(CycleClaim(cloud.box.dazbox.id, now), before=pull_node)
    row: CycleSchedule = CycleSchedule.objects.get(dazbox_id=cloud.box.dazbox.id)
    return row
