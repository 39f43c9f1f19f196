"""`manage.py list_jwt_keys`: the token keys, oldest first, and what each is good for now."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from tenants.keys import read_key_ring
from tenants.tokens.access import find_retirement


class Command(BaseCommand):
    help = "Lists the keys of JWT_KEYS_DIR: which signs, which will sign, which only verify and until when."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        ring = read_key_ring(settings.ENV.jwt_keys_dir)
        for key in ring.keys.values():
            free_at = find_retirement(ring, key)
            if key is ring.signer_at(now):
                state = "signs"
            elif free_at is None or key.signs_from > now:
                state = f"verifies, signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC"
            else:
                state = f"verifies, may be retired from {free_at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{key.kid}  {key.path.name}  {state}")
