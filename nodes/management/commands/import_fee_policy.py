"""`manage.py import_fee_policy PUBKEY CONFIG [--file PATH ...]`: a box prices as its charge-lnd did."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mcp_saas.kit.errors import Problem
from nodes.engine.charge_lnd.reader import Imported
from nodes.pipeline.control import read_configuration, store_policy, tell_origin
from tenants.context import enter_tenant
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = "Takes over a configuration of charge-lnd as the fee policy of one box, and says what each section became."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pubkey")
        parser.add_argument("config", type=Path)
        parser.add_argument("--file", type=Path, action="append", default=[], help="a file the configuration names")
        parser.add_argument("--dry-run", action="store_true", help="only show what it would become")

    def handle(self, *args: Any, **options: Any) -> None:
        dazbox = Dazbox.objects.filter(pubkey=options["pubkey"], state__in=SERVED_STATES).first()
        if dazbox is None:
            raise CommandError("Nothing was imported: there is no box with data and this pubkey")
        try:
            texts = {str(path): path.read_text(encoding="utf-8") for path in options["file"]}
            names = {path.name: texts[str(path)] for path in options["file"]}
            config = options["config"].read_text(encoding="utf-8")
            imported = read_configuration(config, texts | names)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"Nothing was imported: {error}") from None
        except Problem as problem:
            faults = "\n".join(f"  {error.detail}" for error in problem.errors)
            raise CommandError(f"Nothing was imported:\n{faults}") from None
        self._report(imported)
        if options["dry_run"]:
            self.stdout.write("Nothing was stored")
            return
        with enter_tenant(refer_to(dazbox)):
            origin = tell_origin(config, options["config"].name)
            version = store_policy(imported.document, created_by="import_fee_policy", origin=origin)
        self.stdout.write(f"Fee policy version {version} is in force")

    def _report(self, imported: Imported) -> None:
        for line in imported.sections:
            self.stdout.write(f"[{line.section}] {line.strategy or 'values for the sections after it'}")
            for note in line.notes:
                self.stdout.write(f"    {note}")
