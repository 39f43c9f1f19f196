"""`manage.py add_jwt_key`: a new token key. Every process accepts it within seconds; it signs a while later."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from tenants.keys import SIGNS_AFTER, write_signing_key


class Command(BaseCommand):
    help = "Makes a new ES256 key in JWT_KEYS_DIR. No restart is needed; tokens of older keys stay valid."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--signs-after",
            type=int,
            default=int(SIGNS_AFTER.total_seconds()),
            metavar="SECONDS",
            help="longer than the file takes to reach every process (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signs_from = timezone.now() + dt.timedelta(seconds=options["signs_after"])
        path = write_signing_key(settings.ENV.jwt_keys_dir, signs_from=signs_from)
        self.stdout.write(
            f"Wrote {path}: it signs from {signs_from:%Y-%m-%d %H:%M:%S} UTC, at once if it is the only key"
        )
