"""`manage.py ask --dazbox ID|PUBKEY "why did you raise the fee to ACINQ?"`: the answer, and what it stands on."""

from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from mcp_saas.kit.terminal import INDENT, RULE, lay_text
from nodes.management.box import find_box
from rag.engine.evidence import LANGUAGES
from recommendations.pipeline.ask import compose_answer, gather_evidence
from recommendations.pipeline.told import AskAnswer, describe_answer
from tenants.context import enter_tenant


class Command(BaseCommand):
    help = "Answers a question about a box's node, or about Lightning, as its owner would be answered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dazbox", required=True, help="the box's id, or its node's public key")
        parser.add_argument("--language", choices=LANGUAGES, help="of the answer; default: the question's")
        parser.add_argument("--json", action="store_true", help="the answer of the API")
        parser.add_argument("question", nargs="+", help="in English or French")

    def handle(self, *args: Any, **options: Any) -> None:
        question = " ".join(options["question"]).strip()
        if not question:
            raise CommandError("the question is empty: ask something, in English or French")
        with enter_tenant(find_box(options["dazbox"])):
            gathered = gather_evidence(question, options["language"])
            told = describe_answer(gathered, compose_answer(gathered))
        self.stdout.write(msgspec.json.encode(told).decode() if options["json"] else "\n".join(lay_answer(told)))


def lay_answer(told: AskAnswer) -> list[str]:
    """Sentences, then what they stand on; none wider than the terminal."""
    marks = [" ".join(f"[{number}]" for number in one.citations) for one in told.sentences]
    lines = [
        line for one, mark in zip(told.sentences, marks, strict=True) for line in lay_text(f"{one.text} {mark}".strip())
    ]
    cited = [line for source in _list_sources(told) for line in lay_text(source, INDENT)]
    degraded = f", degraded: {', '.join(told.degraded)}" if told.degraded else ""
    return [*lines, RULE, *cited, *lay_text(f"{told.mode}{degraded}", INDENT)]


def _list_sources(told: AskAnswer) -> list[str]:
    """One a passage or record, with the numbers of its quotes."""
    numbers: dict[str, list[str]] = {}
    for one in told.citations:
        numbers.setdefault(f"{one.chunk_id} {one.title or one.source}", []).append(f"[{one.number}]")
    return [f"{''.join(marks)} {source}" for source, marks in numbers.items()]
