"""`manage.py reencrypt_tenant DEVICE` or `--all`: everything a box stored, sealed anew with a new key."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from mcp_saas.kit.crypto import SealError
from nodes.pipeline.reencrypt import StillInUseError, begin_reencryption, destroy_old_keys, reencrypt_tenant
from nodes.tasks import seal_anew
from tenants.context import TenantRef
from tenants.events import ElsewhereError
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = "Gives a box a new data key and seals its rows anew; it stays in service. Cut off, run it again: it goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        boxes = parser.add_mutually_exclusive_group(required=True)
        boxes.add_argument("device", type=UUID, nargs="?", help="the id of the box")
        boxes.add_argument("--all", action="store_true", help="every box: the workers do it, box by box in turns")
        parser.add_argument(
            "--destroy-old-keys",
            action="store_true",
            help="no new key: destroy all but the newest. Backups from before cannot be opened any more",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        boxes = Dazbox.objects.filter(state__in=SERVED_STATES)
        if not options["all"]:
            boxes = boxes.filter(id=options["device"])
            if not boxes:
                raise CommandError("There is no box in service with this id")
        tenants = [refer_to(dazbox) for dazbox in boxes.iterator()]
        try:
            self.stdout.write(self._work(tenants, options))
        except (SealError, StillInUseError, ElsewhereError) as error:
            raise CommandError(f"Not finished: {error}") from None

    def _work(self, tenants: list[TenantRef], options: dict[str, Any]) -> str:
        if options["destroy_old_keys"]:
            return f"{sum(map(destroy_old_keys, tenants))} keys destroyed"
        if not options["all"]:
            return f"{sum(map(reencrypt_tenant, tenants))} rows sealed anew"
        for tenant in tenants:
            begin_reencryption(tenant)
            seal_anew.queue_for(tenant.id)
        return f"{len(tenants)} boxes have a new key; the workers seal their rows anew"
