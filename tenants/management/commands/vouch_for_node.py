"""`manage.py vouch_for_node PUBKEY ...`: claim codes for nodes that cannot sign, made by hand on the server alone."""

import datetime as dt
import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.engine.plan import DEFAULT_PLAN, PLANS
from tenants.provisioning.claim import ClaimTerms, create_claims

LIFETIME = dt.timedelta(days=1)


class Command(BaseCommand):
    help = "Prints a claim code for each node. It is good for that node only, which need not sign: you have checked it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pubkeys", nargs="+", metavar="PUBKEY")
        parser.add_argument("--plan", choices=list(PLANS), default=DEFAULT_PLAN)

    def handle(self, *args: Any, **options: Any) -> None:
        for pubkey in options["pubkeys"]:
            if not re.fullmatch(r"0[23][0-9a-f]{64}", pubkey):
                raise CommandError(f"{pubkey} is not a node's public key: 66 hexadecimal digits")
        for pubkey in options["pubkeys"]:
            terms = ClaimTerms(
                label="vouched for",
                expires_in=LIFETIME,
                plan=options["plan"],
                allowed_pubkey=pubkey,
                is_vouched=True,
            )
            [new] = create_claims(1, terms, created_by="operator:server")
            self.stdout.write(new.code)
