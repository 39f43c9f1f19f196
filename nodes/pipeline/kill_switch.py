"""The owner stops the engine, for the node or one channel, and lets it go on. It holds from the next request on."""

from django.db import transaction
from django.utils import timezone

from nodes.engine.actor import name_actor
from nodes.models.kill_switch import WHOLE_NODE, KillSwitch, SwitchDetail
from nodes.pipeline.journal import note


@transaction.atomic
def set_switch(channel_digest: bytes, detail: SwitchDetail, *, actor: str) -> KillSwitch:
    """On. Again replaces the reason. What the box has already (`sent`) may still be written."""
    KillSwitch.objects.filter(channel_digest=channel_digest).delete()
    switch = KillSwitch.objects.create(
        channel_digest=channel_digest, set_at=timezone.now(), set_by=actor, detail=detail
    )
    place = _name_place(channel_digest, detail)
    reason = f": {detail.reason}" if detail.reason else ", no reason given"
    text = f"Kill switch of {place} set by {name_actor(actor)}{reason}"
    note("kill-switch", text, is_on=True, actor=actor, place=place, reason=detail.reason)
    return switch


@transaction.atomic
def lift_switch(channel_digest: bytes, *, actor: str) -> None:
    """Off. Again is no error."""
    switch = KillSwitch.objects.filter(channel_digest=channel_digest).first()
    if switch is not None:
        switch.delete()
        place = _name_place(channel_digest, switch.detail)
        text = f"Kill switch of {place} lifted by {name_actor(actor)}"
        note("kill-switch", text, is_on=False, actor=actor, place=place)


def _name_place(channel_digest: bytes, detail: SwitchDetail) -> str:
    return "the node" if channel_digest == WHOLE_NODE else str(detail.short_channel_id)
