"""The owner's kill switches: of the node, of one channel."""

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import not_found
from nodes.api.action_contract import KillSwitchAnswer, KillSwitchBody, SwitchHold
from nodes.api.control import ControlView
from nodes.models.channel import Channel
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.pipeline.kill_switch import lift_switch, set_switch
from nodes.selectors.channel import find_state
from nodes.selectors.kill_switch import Switches, read_switches


def is_emergency(request: Request) -> bool:
    """Stopping must not fail on formalities."""
    return read_body(request, KillSwitchBody).is_on


class KillSwitchView(ControlView):
    @endpoint(
        "get_kill_switch",
        summary="Is the engine stopped on this node?",
        tag="node",
        answers={200: KillSwitchAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """The owner's own switch, and those of operators, which hold beside it."""
        switches = read_switches()
        return answer(_describe(switches, WHOLE_NODE, held_by=_list_holds(switches)))

    @endpoint(
        "set_kill_switch",
        summary="Stop the engine on this node, or let it go on",
        tag="node",
        body=KillSwitchBody,
        answers={200: KillSwitchAnswer},
        problems=(404,),
        needs_match=is_emergency,
    )
    def put(self, request: Request, pubkey: str) -> HttpResponse:
        """While it is on nothing is approved and nothing handed over, from the next request on. What the box has
        fetched already may still be written. `{"is_on": true}` is enough to stop, without If-Match; a `reason` is for
        those who find it on. To lift it, read it and send its ETag in If-Match.
        """
        _switch(request, WHOLE_NODE, short_channel_id=None)
        return self.get(request, pubkey)


class ChannelSwitchView(ControlView):
    @endpoint(
        "get_channel_kill_switch",
        summary="Is the engine stopped on this channel?",
        tag="node",
        answers={200: KillSwitchAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str, short_channel_id: str) -> HttpResponse:
        """The channel's own switch, and the wider ones that hold beside it."""
        digest, switches = bytes(_find(short_channel_id).digest), read_switches()
        node = switches.own.get(WHOLE_NODE)
        held_by = [*_list_holds(switches), *([SwitchHold("node", node.detail.reason)] if node else [])]
        return answer(_describe(switches, digest, held_by=held_by))

    @endpoint(
        "set_channel_kill_switch",
        summary="Stop the engine on one channel, or let it go on",
        tag="node",
        body=KillSwitchBody,
        answers={200: KillSwitchAnswer},
        problems=(404,),
        needs_match=is_emergency,
    )
    def put(self, request: Request, pubkey: str, short_channel_id: str) -> HttpResponse:
        """As `set_kill_switch`, for one channel: the others go on."""
        _switch(request, bytes(_find(short_channel_id).digest), short_channel_id=short_channel_id)
        return self.get(request, pubkey, short_channel_id)


def _find(short_channel_id: str) -> Channel:
    channel = find_state(short_channel_id)
    if channel is None:
        raise not_found("The node has no such channel.")
    return channel


def _switch(request: Request, digest: bytes, *, short_channel_id: str | None) -> None:
    body, actor = read_body(request, KillSwitchBody), principal_of(request).subject
    if body.is_on:
        set_switch(digest, SwitchDetail(body.reason, short_channel_id), actor=actor)
    else:
        lift_switch(digest, actor=actor)


def _list_holds(switches: Switches) -> list[SwitchHold]:
    return [SwitchHold(stop.level, stop.reason) for stop in switches.operators]


def _describe(switches: Switches, digest: bytes, *, held_by: list[SwitchHold]) -> KillSwitchAnswer:
    own = switches.own.get(digest)
    details = [switch.detail.short_channel_id for switch in switches.own.values()]
    channels = sorted(scid for scid in details if scid) if digest == WHOLE_NODE else []
    if own is None:
        return KillSwitchAnswer(is_on=False, reason=None, set_at=None, held_by=held_by, channels=channels)
    return KillSwitchAnswer(
        is_on=True, reason=own.detail.reason or None, set_at=own.set_at, held_by=held_by, channels=channels
    )
