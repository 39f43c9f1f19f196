"""`manage.py replay_decisions`: proves that stored decisions follow from their stored inputs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nodes.pipeline.replay import replay_run
from tenants.context import enter_tenant
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = "Decides the newest run of every box (or of one) again from the stored inputs and compares byte for byte."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pubkey", help="only this node")

    def handle(self, *args: Any, **options: Any) -> None:
        boxes = Dazbox.objects.filter(state=DazboxState.ACTIVE)
        if options["pubkey"]:
            boxes = boxes.filter(pubkey=options["pubkey"])
        differing = 0
        for dazbox in boxes:
            with enter_tenant(refer_to(dazbox)):
                report = replay_run()
            differing += len(report.differing)
            self.stdout.write(f"{dazbox}: {report.same} the same, {len(report.differing)} different")
        if differing:
            raise CommandError(f"{differing} decisions do not follow from their inputs")
