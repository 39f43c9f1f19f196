"""`manage.py retire_master_key FILE`: removes a master key that wraps nothing any more."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tenants.sealing.master import MasterKey, MasterRing, read_master_ring
from tenants.sealing.rewrap import count_wrapped

SETTLED_AFTER = dt.timedelta(minutes=10)  # no transaction is open any more that began under the older key


class Command(BaseCommand):
    help = "Removes a key from MASTER_KEYS_DIR once no key of a box is under it. Older copies of the database need it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="its name, as listed by `manage.py list_master_keys`")

    def handle(self, *args: Any, **options: Any) -> None:
        ring = read_master_ring(settings.ENV.master_keys_dir)
        key = next((key for key in ring.keys.values() if key.path.name == options["file"]), None)
        if key is None:
            raise CommandError("There is no such key: see `manage.py list_master_keys`")
        if not _is_succeeded(key, ring):
            raise CommandError("It wraps, or did ten minutes ago: `manage.py add_master_key` first, or wait")
        if count := count_wrapped()[key.kid]:
            raise CommandError(f"{count} keys of boxes are under it: `manage.py rewrap_data_keys` first")
        key.path.unlink()
        self.stdout.write(f"Retired {key.kid}: copies of the database older than this need it still")


def _is_succeeded(key: MasterKey, ring: MasterRing) -> bool:
    """A key made for later that nobody used yet may go, too."""
    wrapper = ring.wrapper
    return key.wraps_from > wrapper.wraps_from or (
        key is not wrapper and wrapper.wraps_from + SETTLED_AFTER <= timezone.now()
    )
