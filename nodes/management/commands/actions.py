"""`manage.py actions --dazbox ID|PUBKEY`: what is written to a node, and how far it is."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mcp_saas.kit.terminal import INDENT, RULE, lay_row, lay_text
from nodes.engine.language.sentence import LANGUAGES
from nodes.management.box import find_box
from nodes.management.output import add_form, write_lines
from nodes.models.action import ActionState
from nodes.selectors.action import filter_actions
from nodes.selectors.lines import ActionLine, batch_actions
from tenants.context import enter_tenant

HEADER = {
    "en": ("Channel", "Old ppm", "New ppm", "Kind    ", "State      "),
    "fr": ("Canal", "Avant ppm", "Après ppm", "Genre   ", "État       "),
}
MOMENTS = {
    "en": ("created", "sent", "verified", "not verified yet", "settled"),
    "fr": ("créée", "envoyée", "vérifiée", "pas encore vérifiée", "réglée"),
}
WORDS = {
    "en": ("Error:", "changes:", "There are more: --limit, or --csv for all."),
    "fr": ("Erreur :", "change :", "Il y en a d'autres : --limit, ou --csv pour toutes."),
}


class Command(BaseCommand):
    help = "Shows a box's actions, newest first; reading hands nothing over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dazbox", required=True, help="the id of a box, or its node's public key")
        parser.add_argument("--state", choices=ActionState.values)
        parser.add_argument("--channel", help="only this short channel id's")
        parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the sentences")
        add_form(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, language = find_box(options["dazbox"]), options["language"]
        with enter_tenant(tenant):
            rows = filter_actions(state=options["state"], channel=options["channel"], since=None)
        is_table = not (options["json"] or options["csv"])
        if is_table:
            self.stdout.write(lay_row(HEADER[language], HEADER[language]))
        left = write_lines(
            self.stdout,
            batch_actions(rows, language, newest_first=True),
            tenant=tenant,
            shape=ActionLine,
            lay=lambda line: lay_action(line, language),
            options=options,
        )
        if is_table:
            self.stdout.write(RULE)
        if left:
            self.stdout.write(WORDS[language][-1])


def lay_action(line: ActionLine, language: str) -> list[str]:
    """The lines of one action, none wider than the terminal."""
    failed, changed, _ = WORDS[language]
    fees = (str(line.old_fee_rate_ppm), str(line.new_fee_rate_ppm))
    error = lay_text(f"{failed} {line.error}", INDENT) if line.error else []
    row = lay_row((line.channel, *fees, line.kind, line.state), HEADER[language])
    changes = lay_text(f"{changed} {line.changes}", INDENT) if line.changes else []
    return [
        RULE,
        row,
        *changes,
        *lay_text(line.why, INDENT),
        *error,
        *lay_text(f"{', '.join(_tell_moments(line, language))}, {line.id}", INDENT),
    ]


def _tell_moments(line: ActionLine, language: str) -> list[str]:
    created, sent, verified, unverified, settled = MOMENTS[language]
    told = [f"{created} {line.created_at:%Y-%m-%d %H:%M} UTC"]
    told += [f"{sent} {line.sent_at:%H:%M}"] if line.sent_at else []
    if line.settled_at:
        return [*told, f"{verified if line.verified_at else settled} {line.settled_at:%Y-%m-%d %H:%M}"]
    return [*told, unverified] if line.state == ActionState.CONFIRMED else told
