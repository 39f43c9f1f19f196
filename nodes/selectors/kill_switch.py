"""What stops the engine from touching the node we are in: asked anew each time, never remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.db.models import Q

from nodes.models.kill_switch import WHOLE_NODE, KillSwitch
from tenants.context import current_tenant, leave_tenant
from tenants.models.kill_switch import OperatorSwitch

Level = Literal["global", "operator", "node", "channel"]
PLACES: Mapping[Level, str] = {
    "global": "of all nodes (an operator's)",
    "operator": "of this Dazbox (an operator's)",
    "node": "of the node",
    "channel": "of the channel",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """A switch that is on: how wide it is, and why it was set."""

    level: Level
    reason: str

    @property
    def place(self) -> str:
        return PLACES[self.level]

    def tell(self) -> str:
        """The end of a sentence: whoever was in a hurry gave no reason."""
        return f"the kill switch {self.place} is on{f': {self.reason}' if self.reason else ''}"


@dataclass(frozen=True, slots=True)
class Switches:
    """All that are on for this node, the widest first."""

    operators: tuple[Stop, ...]
    own: Mapping[bytes, KillSwitch]

    def find_stop(self, channel_digest: bytes) -> Stop | None:
        """Why nothing may be written to this channel; None: it may."""
        if self.operators:
            return self.operators[0]
        switch = self.own.get(WHOLE_NODE) or self.own.get(channel_digest)
        if switch is None:
            return None
        return Stop("node" if switch.detail.short_channel_id is None else "channel", switch.detail.reason)


def read_switches() -> Switches:
    own = {bytes(switch.channel_digest): switch for switch in KillSwitch.objects.all()}
    return Switches(read_operator_stops(), own)


def read_operator_stops() -> tuple[Stop, ...]:
    """Those for everybody and for this box, which its owner cannot lift."""
    dazbox_id = current_tenant().id
    with leave_tenant():
        rows = list(OperatorSwitch.objects.filter(Q(dazbox=None) | Q(dazbox_id=dazbox_id)))
    everywhere = [Stop("global", row.reason) for row in rows if row.dazbox_id is None]
    here = [Stop("operator", row.reason) for row in rows if row.dazbox_id is not None]
    return (*everywhere, *here)
