"""`manage.py metrics`: what /metrics answers, for a machine on which no web process runs."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from mcp_saas.kit.metric_folder import collect, write_text


class Command(BaseCommand):
    help = "Print what the processes of this machine have counted, as Prometheus reads it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(write_text(collect(settings.ENV.prometheus_multiproc_dir)).decode(), ending="")
