"""`manage.py create_provisioning_client ID`: a shop's credentials; the secret is read from standard input."""

import hashlib
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.models.client import ProvisioningClient

MIN_SECRET = 32


class Command(BaseCommand):
    help = "Creates (or gives a new secret to) a provisioning client. The secret is read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")

    def handle(self, *args: Any, **options: Any) -> None:
        secret = sys.stdin.readline().rstrip("\n")
        if len(secret) < MIN_SECRET:  # it is hashed without stretching, so it must be random and long
            raise CommandError(f"The secret must have at least {MIN_SECRET} random characters")
        digest = hashlib.sha256(secret.encode()).digest()
        client, _ = ProvisioningClient.objects.update_or_create(
            client_id=options["client_id"], defaults={"secret_digest": digest, "name": options["client_id"]}
        )
        self.stdout.write(f"Provisioning client {client.client_id} can sign in")
