"""`manage.py list_master_keys`: the master keys, oldest first, and how many keys of boxes each wraps."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tenants.sealing.master import read_master_ring
from tenants.sealing.rewrap import count_wrapped


class Command(BaseCommand):
    help = "Lists the keys of MASTER_KEYS_DIR: kid, file, keys of boxes under it, which one wraps now."

    def handle(self, *args: Any, **options: Any) -> None:
        ring = read_master_ring(settings.ENV.master_keys_dir)
        for key in ring.keys.values():
            state = "wraps" if key is ring.wrapper else f"wraps from {key.wraps_from:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{key.kid}  {key.path.name}  {count_wrapped(key.kid)} keys  {state}")
