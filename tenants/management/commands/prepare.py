"""`manage.py prepare`: everything a release needs before its processes start. Harmless to repeat."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from tenants.models.schedule import CycleSchedule
from tenants.provisioning.schema import resume_provisioning
from tenants.provisioning.template import refresh_template

LOCK = 0x6461_7A62


class Command(BaseCommand):
    help = "Migrates the public schema and the template, makes a token key if there is none, resumes provisioning."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--alone",
            action="store_true",
            help="no other process runs: cycles that a crash cut off are due at once",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with _one_at_a_time():
            self._prepare()
            if options["alone"]:
                CycleSchedule.objects.exclude(started_at=None).update(started_at=None, next_run_at=timezone.now())

    def _prepare(self) -> None:
        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
        template = refresh_template()
        if not any(settings.ENV.jwt_keys_dir.glob("*.pem")):
            call_command("add_jwt_key", verbosity=0, stdout=self.stdout)
        resumed = resume_provisioning()
        self.stdout.write(f"Ready: schema template {template.revision[:12]}, {resumed} provisionings resumed")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Whatever the number of replicas. The lock has a connection of its own: migrate_schemas closes the one it uses."""
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")  # wait as long as the other one takes
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
    finally:
        holder.close()
