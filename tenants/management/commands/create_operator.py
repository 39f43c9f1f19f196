"""`manage.py create_operator NAME`: an operator's account; the password comes by file or standard input.

With a second factor it prints the `otpauth://` URI for the authenticator, once.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tenants.models.operator_factor import OperatorFactor
from tenants.tokens.totp import enrol


class Command(BaseCommand):
    help = "Creates an operator or gives one a new password: the first line of a file or of standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--password-file", help="default: standard input")
        parser.add_argument(
            "--totp",
            action="store_true",
            help="a new second factor; without it, made where one is required and missing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = _read_first_line(options["password_file"])
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user, _ = User.objects.get_or_create(
            username=options["username"], defaults={"is_staff": True, "is_superuser": True}
        )
        user.set_password(password)
        user.save()
        is_missing = not OperatorFactor.objects.filter(user=user).exists()
        if options["totp"] or (is_missing and settings.ENV.is_operator_totp_required):
            self.stdout.write(f"Shown this once, for the authenticator: {enrol(user)}")
        self.stdout.write(f"Operator {user.username} can sign in")


def _read_first_line(path: str | None) -> str:
    text = Path(path).read_text(encoding="utf-8") if path else sys.stdin.read()
    return text.splitlines()[0] if text else ""
