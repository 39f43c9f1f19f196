"""`manage.py restore_tenant FILE`: puts one box back to the moment of its backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from tenants.provisioning.archive import ArchiveError
from tenants.provisioning.backup import restore_tenant


class Command(BaseCommand):
    help = "Replaces the tables of the box a backup is of, all or nothing. What it reported since then is lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dazbox = restore_tenant(options["file"])
        except (ArchiveError, DatabaseError) as error:
            raise CommandError(f"Nothing was changed: {error}") from None
        self.stdout.write(f"Restored box {dazbox.id} from {options['file']}")
