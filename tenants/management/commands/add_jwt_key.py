"""`manage.py add_jwt_key`: a new token key; it signs from the next start on, older keys still verify."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from tenants.keys import write_signing_key


class Command(BaseCommand):
    help = "Makes a new ES256 key in JWT_KEYS_DIR. New tokens are signed with it; tokens of older keys stay valid."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.ENV.jwt_keys_dir / f"{timezone.now():%Y%m%dT%H%M%S%f}.pem"
        write_signing_key(path)
        self.stdout.write(f"Wrote {path}")
