"""`manage.py prepare`: everything a release needs before its processes start. Harmless to repeat."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mcp_saas.kit.key_folder import list_key_files
from tenants.models.job import JobLane
from tenants.models.schedule import CycleSchedule
from tenants.models.tenant_key import TenantKey
from tenants.provisioning.erasure import keep_out_of_statistics
from tenants.provisioning.lock import one_at_a_time
from tenants.provisioning.migration import migrate_tenants
from tenants.provisioning.rights import prepare_owner
from tenants.provisioning.schema import resume_provisioning
from tenants.provisioning.template import refresh_template
from tenants.sealing.master import SUFFIX, load_master_ring


class Command(BaseCommand):
    help = "Migrates the public schema, the template and every box, makes the first keys, resumes provisioning."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--alone",
            action="store_true",
            help="no other process runs: cycles and jobs that a crash cut off are due at once",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with one_at_a_time():
            self._prepare()
            if options["alone"]:
                CycleSchedule.objects.exclude(started_at=None).update(started_at=None, next_run_at=timezone.now())
                JobLane.objects.update(busy_since=None)

    def _require_master_key(self) -> None:
        """Outside dev nobody makes one in passing: it must be kept, and a lost one must not be replaced unseen."""
        if settings.ENV.profile == "dev" and not list_key_files(settings.ENV.master_keys_dir, SUFFIX):
            if TenantKey.objects.exists():
                raise CommandError(
                    f"The master key of this database is gone from {settings.ENV.master_keys_dir}: put it back"
                )
            call_command("add_master_key", verbosity=0, stdout=self.stdout)
        load_master_ring()

    def _prepare(self) -> None:
        prepare_owner()
        self.check(tags=[Tags.database], databases=["default"])  # raises SystemCheckError for rights that are missing
        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
        keep_out_of_statistics()
        template = refresh_template()
        outcome = migrate_tenants()
        for dazbox_id, error in outcome.failures.items():
            self.stderr.write(f"Not migrated, run `manage.py migrate_tenants` again: {dazbox_id}: {error}")
        if not any(settings.ENV.jwt_keys_dir.glob("*.pem")):
            call_command("add_jwt_key", verbosity=0, stdout=self.stdout)
        self._require_master_key()
        resumed = resume_provisioning()
        self.stdout.write(
            f"Ready: schema template {template.revision[:12]}, {outcome.migrated} boxes migrated, "
            f"{resumed} provisionings resumed"
        )
