"""`manage.py shadow_report`: what the engine would have written to a node, beside what was there."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mcp_saas.api.strict_json import decode_json
from mcp_saas.kit.alias import tame_alias
from mcp_saas.kit.errors import Problem
from nodes.engine.document import FeePolicy
from nodes.engine.release.shadow import ShadowChannel, ShadowError
from nodes.engine.types import Effect
from nodes.selectors.shadow import ShadowReport, report_shadow
from tenants.context import enter_tenant
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.selectors import refer_to

NO_DATA = "no data"


class Command(BaseCommand):
    help = "Decides the stored runs of a node again, each on what it would have written before, and compares."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pubkey", help="only this node")
        parser.add_argument("--days", type=int, default=7, help="how far to look back (7)")
        parser.add_argument("--policy", type=Path, help="a fee policy (JSON) to decide by as well, and to compare with")

    def handle(self, *args: Any, **options: Any) -> None:
        boxes = Dazbox.objects.filter(state=DazboxState.ACTIVE)
        boxes = boxes.filter(pubkey=options["pubkey"]) if options["pubkey"] else boxes
        policies: list[FeePolicy | None] = [None]
        if options["policy"]:
            policies.append(read_policy(options["policy"]))
        for dazbox in boxes:
            for policy in policies:
                self.stdout.write(f"{dazbox}\n{self.report(dazbox, policy, days=options['days'])}")

    def report(self, dazbox: Dazbox, policy: FeePolicy | None, *, days: int) -> str:
        with enter_tenant(refer_to(dazbox)):
            try:
                return tell_report(report_shadow(days=days, now=timezone.now(), policy=policy))
            except ShadowError as error:
                return f"  {error}\n"


def read_policy(path: Path) -> FeePolicy:
    """Raises CommandError, naming the field."""
    try:
        return decode_json(path.read_bytes(), FeePolicy)
    except (OSError, Problem) as error:
        raise CommandError(f"{path}: {error}") from None


def tell_report(report: ShadowReport) -> str:
    """A line for the node and one a channel."""
    if report.since is None or report.until is None:
        return f"  {NO_DATA}: no run of this engine in the period, {report.left_out_runs} left out\n"
    head = (
        f"  {report.runs} runs from {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC, "
        f"{report.left_out_runs} left out, decided by {report.policy}"
    )
    sums = (
        f"  writes {report.writes}, a channel and day {_tell(report.writes_per_channel_and_day)}; "
        f"income {_tell_income(report.income_msat)}; expected {_tell_effect(report.effect)}"
    )
    owner = f"  the owner's changes {report.owner_changes}: {report.agreed} agreed with, {report.opposed} opposed"
    remark = [f"  {report.remark}"] if report.remark else []
    lines = [head, *remark, sums, owner, *(_tell_channel(channel) for channel in report.channels)]
    return "\n".join(lines) + "\n"


def _tell_channel(channel: ShadowChannel) -> str:
    last = channel.fees[-1]
    peer = tame_alias(channel.peer_alias or "")
    return (
        f"  {channel.short_channel_id:>16} {_tell_fee(last.actual_ppm, last.actual_off)}, "
        f"shadow {_tell_fee(last.shadow_ppm, last.shadow_off)}, "
        f"{channel.writes:>3} writes, {_tell_income(channel.income_msat)}, {_tell_effect(channel.effect)}  {peer}"
    )


def _tell_fee(ppm: int, is_off: bool) -> str:  # noqa: FBT001
    return f"{ppm:>6} ppm{' (off)' if is_off else ''}"


def _tell(number: float | None) -> str:
    return NO_DATA if number is None else f"{number:g}"


def _tell_income(msat: int | None) -> str:
    return NO_DATA if msat is None else f"{msat / 1000:.3f} sat"


def _tell_effect(effect: Effect | None) -> str:
    if effect is None:
        return NO_DATA
    return f"{effect.sat_per_day:+.1f} sat a day ({effect.low_sat_per_day:+.1f} to {effect.high_sat_per_day:+.1f})"
