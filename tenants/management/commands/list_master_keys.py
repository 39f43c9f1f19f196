"""`manage.py list_master_keys`: the master keys, oldest first, and how many keys of boxes each wraps.

Exits with 1 when a key of a box is under one whose file is not there.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tenants.sealing.master import read_master_ring
from tenants.sealing.rewrap import count_wrapped


class Command(BaseCommand):
    help = "Lists the keys of MASTER_KEYS_DIR: kid, file, keys of boxes under it, which one wraps now."

    def handle(self, *args: Any, **options: Any) -> None:
        ring, counts = read_master_ring(settings.ENV.master_keys_dir), count_wrapped()
        for key in ring.keys.values():
            state = "wraps" if key is ring.wrapper else f"wraps from {key.wraps_from:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{key.kid}  {key.path.name}  {counts[key.kid]} keys  {state}")
        lost = sorted(counts.keys() - ring.keys.keys())
        for kid in lost:
            self.stdout.write(f"{kid}  MISSING, {counts[kid]} keys")
        if lost:
            raise CommandError("Put the files of the missing keys back: what they wrap cannot be read")
