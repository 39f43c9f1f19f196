"""`manage.py backtest --pubkey ...`: a fee policy over a node's own past."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from mcp_saas.kit.terminal import lay_text
from nodes.engine.backtest import Backtest
from nodes.engine.document import FeePolicy
from nodes.pipeline.backtest import MAX_DAYS, backtest_policy
from nodes.sources.fwdinghistory.reader import ForwardFileError, read_forwards
from tenants.context import enter_tenant
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.selectors import refer_to


class Command(BaseCommand):
    help = "Decides day by day over a node's stored forwards, each day with earlier events only. Stores nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pubkey", required=True)
        parser.add_argument("--document", type=Path, help="a fee policy in JSON; without: the one in force")
        parser.add_argument("--forwards", type=Path, help="an `lncli fwdinghistory` file instead of what is stored")
        parser.add_argument("--days", type=int, default=60)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days {options['days']}: must be 1 to {MAX_DAYS}")
        document = _read_document(options["document"]) if options["document"] else None
        try:
            forwards = read_forwards(options["forwards"]) if options["forwards"] else None
        except ForwardFileError as error:
            raise CommandError(str(error)) from None
        box = Dazbox.objects.filter(pubkey=options["pubkey"], state=DazboxState.ACTIVE).first()
        if box is None:
            raise CommandError(f"no box in service has the node {options['pubkey']}")
        with enter_tenant(refer_to(box)):
            backtest = backtest_policy(document, days=options["days"], forwards=forwards)
        if backtest is None:
            raise CommandError("no data: the box has not reported yet")
        self.stdout.write(msgspec.json.encode(backtest).decode() if options["json"] else describe_backtest(backtest))


def _read_document(path: Path) -> FeePolicy:
    try:
        return msgspec.json.decode(path.read_bytes(), type=FeePolicy)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise CommandError(f"{path} is no fee policy: {error}") from error


def describe_backtest(backtest: Backtest) -> str:
    """For people. What is not known reads "no data"."""
    if not backtest.days:
        return "\n".join(lay_text(f"No data: no day of the history could be decided on. {backtest.note}"))
    first, last = backtest.days[0].day, backtest.days[-1].day
    score, naive = _show(backtest.score_correlation), _show(backtest.naive_correlation)
    agreement = "no data, the operator moved no fee beside ours"
    if backtest.agreement is not None:
        agreement = f"{_show_share(backtest.agreement)} of {backtest.compared}"
    lines = [
        f"{len(backtest.days)} days, {first} to {last}: {backtest.decisions} decisions, {backtest.changes} changes",
        f"  of channels with less than 5 % ours           {_show_share(backtest.depleted_share)}",
        f"  the operator's way within 7 days              {agreement}",
        "Rank correlation with the fees earned in the next 30 days",
        f"  of the score                                  {score}",
        f"  of the last 30 days' fees (naive)             {naive}",
        *lay_text(backtest.note),
    ]
    return "\n".join(lines)


def _show_share(value: float | None) -> str:
    return "no data" if value is None else f"{100 * value:.0f} %"


def _show(value: float | None) -> str:
    return "no data" if value is None else f"{value:+.2f}"
