"""`manage.py create_provisioning_client ID`: a shop's credentials; the secret comes by file or standard input."""

import hashlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.models.client import ProvisioningClient

MIN_SECRET = 32


class Command(BaseCommand):
    help = "Creates a provisioning client or gives one a new secret: the first line of a file or of standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")
        parser.add_argument("--secret-file", help="default: standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        secret = _read_first_line(options["secret_file"])
        if len(secret) < MIN_SECRET:  # it is hashed without stretching, so it must be random and long
            raise CommandError(f"The secret must have at least {MIN_SECRET} random characters")
        digest = hashlib.sha256(secret.encode()).digest()
        client, _ = ProvisioningClient.objects.update_or_create(
            client_id=options["client_id"], defaults={"secret_digest": digest, "name": options["client_id"]}
        )
        self.stdout.write(f"Provisioning client {client.client_id} can sign in")


def _read_first_line(path: str | None) -> str:
    text = Path(path).read_text(encoding="utf-8") if path else sys.stdin.read()
    return text.splitlines()[0] if text else ""
