"""POST /v2/router/updatechanstatus: a channel is switched off for forwards, and on again."""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nodes.simulator.lnd_api.chan_point import ChannelPointField, read_chan_point
from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView


class UpdateChanStatusRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    chan_point: ChannelPointField | UnsetType = UNSET
    action: Literal["ENABLE", "DISABLE", "AUTO"] = "ENABLE"


def update_status(view: NodeView, request: Request) -> dict[str, object]:
    """ENABLE needs the peer; AUTO changes nothing at once: LND waits for the peer to come or go."""
    update = request.read_body(UpdateChanStatusRequest)
    point = None if update.chan_point is UNSET else read_chan_point(update.chan_point)
    for channel in view.channels:
        own, _ = channel.seen_by(view.pubkey)
        if channel.chan_point != point or own.policy is None:
            continue
        if update.action == "ENABLE" and not channel.active:
            raise LndError(Code.UNKNOWN, f"unable to enable channel {point}: channel is not active")
        if update.action != "AUTO":
            last_update = max(view.now_s, (own.policy.last_update or 0) + 1)
            disabled = update.action == "DISABLE"
            view.announce(own, msgspec.structs.replace(own.policy, disabled=disabled, last_update=last_update))
            view.save()
        return {}
    raise LndError(Code.UNKNOWN, "unable to find channel")
