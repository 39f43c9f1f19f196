"""`manage.py backup_tenant PUBKEY FILE`: everything in the schema of one box, as of one moment."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.provisioning.archive import ArchiveError
from tenants.provisioning.backup import backup_tenant


class Command(BaseCommand):
    help = "Writes the tables of one box to a file. It opens for the same box only, while its keys exist."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pubkey")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = backup_tenant(options["pubkey"], options["file"])
        except (ArchiveError, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from None
        rows = sum(table.rows for table in manifest.tables)
        self.stdout.write(f"Wrote {options['file']}: {len(manifest.tables)} tables, {rows} rows")
