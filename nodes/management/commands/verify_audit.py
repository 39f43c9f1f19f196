"""`manage.py verify_audit`: is every journal as it was written?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nodes.selectors.chain import verify_chain
from tenants.context import enter_tenant
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = "Verifies the hash chain of every box's journal (or of one) and names the first bad entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--device", help="only the box with this id")

    def handle(self, *args: Any, **options: Any) -> None:
        boxes = Dazbox.objects.filter(state__in=SERVED_STATES)
        if options["device"]:
            boxes = boxes.filter(id=options["device"])
        broken = 0
        for dazbox in boxes:
            with enter_tenant(refer_to(dazbox)):
                verdict = verify_chain()
            said = "whole" if verdict.fault is None else f"{verdict.fault} at {verdict.first_bad_seq}"
            broken += verdict.fault is not None
            self.stdout.write(f"{dazbox.id}: {verdict.entries} entries, {said}")
        if broken:
            raise CommandError(f"{broken} journals are not as they were written")
