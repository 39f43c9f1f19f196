"""Operators stop the engine, for everybody or for one box, and let it go on. It holds from the next request on."""

from typing import Any

import structlog
from django.db import transaction

from tenants.events import record_event
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.models.kill_switch import OperatorSwitch
from tenants.selectors import refer_to

log = structlog.get_logger(__name__)


@transaction.atomic
def set_operator_switch(dazbox: Dazbox | None, *, actor: str, reason: str) -> OperatorSwitch:
    """On, for one box or (None) for all. Again changes the reason alone."""
    said = {"reason": reason, "set_by": actor}
    switch, is_new = OperatorSwitch.objects.update_or_create(dazbox=dazbox, defaults=said)
    text = f"An operator set the kill switch: {reason}"
    _tell(dazbox, text, actor=actor, is_on=True, reason=reason, changed=is_new)
    return switch


@transaction.atomic
def lift_operator_switch(dazbox: Dazbox | None, *, actor: str) -> bool:
    """Off. False: it was not on."""
    was_on = bool(OperatorSwitch.objects.filter(dazbox=dazbox).delete()[0])
    if was_on:
        _tell(dazbox, "An operator lifted the kill switch", actor=actor, is_on=False)
    return was_on


def _tell(dazbox: Dazbox | None, text: str, *, actor: str, **facts: Any) -> None:
    """In the box's journal; what is set for everybody stands in the log, not in thousands of journals."""
    log.warning("kill_switch", dazbox=str(dazbox.id) if dazbox else "all", actor=actor, **facts)
    if dazbox is not None and dazbox.state in SERVED_STATES:
        told = {name: facts[name] for name in ("is_on", "reason") if name in facts}
        record_event(refer_to(dazbox), "kill-switch", text=text, actor=actor, place="the node", **told)
