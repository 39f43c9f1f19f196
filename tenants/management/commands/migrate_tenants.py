"""`manage.py migrate_tenants`: brings every box to the newest revision of the template. Harmless to repeat."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.provisioning.lock import one_at_a_time
from tenants.provisioning.migration import migrate_tenants
from tenants.provisioning.template import refresh_template


class Command(BaseCommand):
    help = "Migrates the template, then every box that is behind it. One that fails is named and stops no other."

    def handle(self, *args: Any, **options: Any) -> None:
        with one_at_a_time():
            template = refresh_template()
            outcome = migrate_tenants()
        for dazbox_id, error in outcome.failures.items():
            self.stderr.write(f"{dazbox_id}: {error}")
        if outcome.failures:
            raise CommandError(f"{outcome.migrated} boxes migrated, {len(outcome.failures)} failed: run it again")
        self.stdout.write(f"{outcome.migrated} boxes migrated to {template.revision[:12]}")
