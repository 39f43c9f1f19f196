"""manage.py kill_switch show | on --reason WHY [--device ID] | off [--device ID]"""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from tenants.models.dazbox import Dazbox
from tenants.models.kill_switch import OperatorSwitch
from tenants.provisioning.kill_switch import lift_operator_switch, set_operator_switch

ACTOR = "command line"


class Command(BaseCommand):
    help = "Stops the engine for all Dazboxes or one: nothing is approved or handed over from the next request on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("turn", choices=("show", "on", "off"))
        parser.add_argument("--device", type=UUID, help="id of one Dazbox; without it: all of them")
        parser.add_argument("--reason", default="", help="the owners read it")

    def handle(self, *, turn: str, device: UUID | str | None, reason: str, **_: Any) -> None:
        dazbox = _find(device) if device else None
        if turn == "on":
            if not reason.strip():
                raise CommandError("--reason is missing: say why, for the owners")
            set_operator_switch(dazbox, actor=ACTOR, reason=reason.strip()[:200])
        elif turn == "off":
            lift_operator_switch(dazbox, actor=ACTOR)
        self._show()

    def _show(self) -> None:
        switches = OperatorSwitch.objects.order_by("set_at")
        for switch in switches:
            place = switch.dazbox_id or "all"
            self.stdout.write(
                f"on  {place}  since {switch.set_at:%Y-%m-%d %H:%M} UTC by {switch.set_by}: {switch.reason}"
            )
        if not switches:
            self.stdout.write("no kill switch of an operator is on")


def _find(device: UUID | str) -> Dazbox:
    dazbox: Dazbox | None = Dazbox.objects.filter(id=device).first()
    if dazbox is None:
        raise CommandError(f"there is no Dazbox {device}")
    return dazbox
