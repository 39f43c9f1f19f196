"""`manage.py rewrap_data_keys`: the keys of all boxes under the master key in force. Harmless to repeat."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mcp_saas.kit.crypto import SealError
from tenants.sealing.rewrap import rewrap_keys


class Command(BaseCommand):
    help = "Wraps every key of every box with the master key in force. Nobody waits and nothing stored is touched."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = rewrap_keys()
        except SealError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{count} keys wrapped anew")
