"""`manage.py decisions --dazbox ID|PUBKEY`: old fee, new fee, why, by which rule, held by what."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mcp_saas.kit.alias import tame_alias
from mcp_saas.kit.terminal import INDENT, RULE, lay_row, lay_text
from nodes.engine.language.sentence import LANGUAGES
from nodes.engine.types import DIRECTIONS
from nodes.management.box import find_box
from nodes.management.output import add_form, write_lines
from nodes.selectors.decision import DecisionFilter
from nodes.selectors.lines import DecisionLine, batch_decisions

HEADER = {
    "en": ("Channel and peer", "Old ppm", "New ppm", "Action    "),
    "fr": ("Canal et pair", "Avant ppm", "Après ppm", "Action    "),
}
WORDS = {
    "en": ("rule", "held by", "changes", "There are more: --limit, or --csv for all."),
    "fr": ("règle", "retenu par", "change", "Il y en a d'autres : --limit, ou --csv pour toutes."),
}


class Command(BaseCommand):
    help = "Shows what was decided for a box's channels and why, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dazbox", required=True, help="the id of a box, or its node's public key")
        parser.add_argument("--run", choices=["latest"], help="only the newest run's")
        parser.add_argument("--channel", help="only this short channel id's")
        parser.add_argument("--direction", choices=DIRECTIONS)
        parser.add_argument("--held-by", help="only those this guard or limit held")
        parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the sentences")
        add_form(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, language = find_box(options["dazbox"]), options["language"]
        names = ("run", "channel", "direction", "held_by")
        batches = batch_decisions(DecisionFilter(**{name: options[name] for name in names}), language)
        is_table = not (options["json"] or options["csv"])
        if is_table:
            self.stdout.write(lay_row(HEADER[language], HEADER[language]))
        left = write_lines(
            self.stdout,
            batches,
            tenant=tenant,
            shape=DecisionLine,
            lay=lambda line: lay_decision(line, language),
            options=options,
        )
        if is_table:
            self.stdout.write(RULE)
        if left:
            self.stdout.write(WORDS[language][3])


def lay_decision(line: DecisionLine, language: str) -> list[str]:
    """The lines of one decision, none wider than the terminal."""
    rule_word, held_word, change_word = WORDS[language][:3]
    name = f"{line.channel} {tame_alias(line.peer_alias or '')}".strip()
    fees = (_show(line.old_fee_rate_ppm), _show(line.new_fee_rate_ppm))
    section = f" ({line.section})" if line.section else ""
    held = f", {held_word} {line.held_by}" if line.held_by else ""
    group = f", {line.group}" if line.group else ""
    grounds = f"{line.decided_at:%Y-%m-%d %H:%M} UTC, {line.mode}{group}, {rule_word} {line.rule}{section}{held}"
    row = lay_row((name, *fees, line.action_state or "-"), HEADER[language])
    changes = lay_text(f"{change_word}: {line.changes}", INDENT) if line.changes else []
    return [RULE, row, *changes, *lay_text(line.why, INDENT), *lay_text(grounds, INDENT)]


def _show(ppm: int | None) -> str:
    return "?" if ppm is None else str(ppm)
