"""`manage.py reencrypt_tenant DEVICE`: everything a box stored, sealed anew with a new key."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from mcp_saas.kit.crypto import SealError
from nodes.pipeline.reencrypt import StillInUseError, destroy_old_keys, reencrypt_tenant
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = "Gives a box a new data key and seals its rows anew; it stays in service. Cut off, run it again: it goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("device", type=UUID, help="the id of the box")
        parser.add_argument(
            "--destroy-old-keys",
            action="store_true",
            help="no new key: destroy all but the newest. Backups from before cannot be opened any more",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dazbox = Dazbox.objects.filter(id=options["device"], state__in=SERVED_STATES).first()
        if dazbox is None:
            raise CommandError("There is no box in service with this id")
        try:
            if options["destroy_old_keys"]:
                self.stdout.write(f"{destroy_old_keys(refer_to(dazbox))} keys destroyed")
            else:
                self.stdout.write(f"{reencrypt_tenant(refer_to(dazbox))} rows sealed anew")
        except (SealError, StillInUseError) as error:
            raise CommandError(f"Not finished: {error}") from None
