"""`manage.py add_master_key`: a new master key. Every process reads it within seconds; it wraps a while later."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from mcp_saas.kit.key_folder import PUBLISHED_FOR
from tenants.sealing.master import write_master_key


class Command(BaseCommand):
    help = "Makes a new master key in MASTER_KEYS_DIR. No restart is needed. Then `manage.py rewrap_data_keys`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wraps-after",
            type=int,
            default=int(PUBLISHED_FOR.total_seconds()),
            metavar="SECONDS",
            help="longer than the file takes to reach every process (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wraps_from = timezone.now() + dt.timedelta(seconds=options["wraps_after"])
        path = write_master_key(settings.ENV.master_keys_dir, wraps_from=wraps_from)
        self.stdout.write(
            f"Wrote {path}: keep a copy elsewhere. It wraps from {wraps_from:%Y-%m-%d %H:%M:%S} UTC, "
            "at once if it is the only key"
        )
