"""`manage.py retire_jwt_key FILE`: from a few seconds later on nobody accepts a token of this key."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tenants.keys import read_key_ring
from tenants.tokens.access import find_retirement


class Command(BaseCommand):
    help = "Removes a key from JWT_KEYS_DIR once the last token signed with it has expired."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="its name, as listed: a kid may look like an option")
        parser.add_argument(
            "--compromised", action="store_true", help="at once: whoever holds a token of this key signs in again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ring = read_key_ring(settings.ENV.jwt_keys_dir)
        key = next((key for key in ring.keys.values() if key.path.name == options["file"]), None)
        if key is None:
            raise CommandError("There is no such key: see `manage.py list_jwt_keys`")
        if len(ring.keys) == 1:
            raise CommandError("It is the only key: make another first with `manage.py add_jwt_key`")
        free_at = find_retirement(ring, key)
        if not options["compromised"] and (free_at is None or free_at > timezone.now()):
            raise CommandError("Tokens of this key are alive: see `manage.py list_jwt_keys`, or add --compromised")
        key.path.unlink()
        self.stdout.write(f"Retired {key.kid}")
