"""`manage.py export_tenant PUBKEY FILE`: everything about one box as its owner would get it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from nodes.pipeline.export.archive import begin_snapshot, write_archive
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.provisioning.archive import writing_file


class Command(BaseCommand):
    help = "Writes everything stored about one box to a ZIP file that only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pubkey")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with writing_file(options["file"]) as file, transaction.atomic():
                begin_snapshot()
                dazbox = Dazbox.objects.filter(pubkey=options["pubkey"], state__in=SERVED_STATES).first()
                if dazbox is None:
                    raise CommandError("No export was made: there is no box with data and this pubkey")
                manifest = write_archive(dazbox, file)
        except OSError as error:
            raise CommandError(f"No export was made: {error}") from None
        rows = sum(table.rows for table in manifest.tables)
        self.stdout.write(f"Wrote {options['file']}: {len(manifest.tables)} tables, {rows} rows")
