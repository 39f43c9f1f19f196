"""`manage.py verify_audit`: is every journal as it was written? Its last hash, kept elsewhere, shows a tail cut off."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nodes.selectors.chain import ChainVerdict, find_head, verify_chain
from tenants.context import enter_tenant
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = (
        "Verifies the hash chain of every box's journal (or of one); names the first bad entry, and the head to note."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--device", help="only the box with this id")

    def handle(self, *args: Any, **options: Any) -> None:
        boxes = Dazbox.objects.filter(state__in=SERVED_STATES)
        if options["device"]:
            boxes = boxes.filter(id=options["device"])
        broken = 0
        for dazbox in boxes:
            with enter_tenant(refer_to(dazbox)):
                verdict, head = verify_chain(), find_head()
            said = _describe(verdict)
            broken += verdict.fault is not None
            self.stdout.write(
                f"{dazbox.id}: {verdict.entries} entries, {said}, head {head.seq} {bytes(head.link_hash).hex()}"
            )
        if broken:
            raise CommandError(f"{broken} journals are not as they were written")


def _describe(verdict: ChainVerdict) -> str:
    place = f" at {verdict.first_bad_seq}" if verdict.first_bad_seq else ""
    return f"{verdict.fault or 'whole'}{place}"
