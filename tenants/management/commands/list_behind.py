"""`manage.py list_behind`: the boxes whose tables are not of the newest revision."""

from typing import Any

from django.core.management.base import BaseCommand

from tenants.provisioning.schema import current_template
from tenants.selectors import find_behind


class Command(BaseCommand):
    help = "Lists the boxes that `manage.py migrate_tenants` has still to migrate: id, schema, revision."

    def handle(self, *args: Any, **options: Any) -> None:
        template = current_template()
        behind = list(find_behind(template.revision))
        for dazbox in behind:
            self.stdout.write(f"{dazbox.id}  {dazbox.schema_name}  {dazbox.schema_revision[:12]}")
        self.stdout.write(f"{len(behind)} boxes behind {template.revision[:12]}")
