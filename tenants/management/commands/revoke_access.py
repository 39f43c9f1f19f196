"""`manage.py revoke_access ID`: a Dazbox is signed out everywhere within five seconds."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from tenants.models.dazbox import Dazbox
from tenants.tokens.refresh import revoke_access


class Command(BaseCommand):
    help = "Refuses every access and refresh token of a Dazbox from now on. Its device key and API keys stay good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("device_id", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        if not Dazbox.objects.filter(id=options["device_id"]).exists():
            raise CommandError("There is no such Dazbox")
        revoke_access(options["device_id"])
        self.stdout.write(f"Signed out {options['device_id']}")
