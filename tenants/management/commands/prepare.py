"""`manage.py prepare`: everything a release needs before its processes start. Harmless to repeat."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from tenants.provisioning.schema import resume_provisioning
from tenants.provisioning.template import refresh_template

LOCK = 0x6461_7A62  # one prepare at a time, whatever the number of replicas


class Command(BaseCommand):
    help = "Migrates the public schema and the template, makes a token key if there is none, resumes provisioning."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
        template = refresh_template()
        if not any(settings.ENV.jwt_keys_dir.glob("*.pem")):
            call_command("add_jwt_key", verbosity=0, stdout=self.stdout)
        resumed = resume_provisioning()
        self.stdout.write(f"Ready: schema template {template.revision[:12]}, {resumed} provisionings resumed")
