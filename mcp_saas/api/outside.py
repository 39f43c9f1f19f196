"""How the systems of others fare, as the calls to them went: nobody is called to find out."""

from collections import Counter
from typing import Literal

from django.conf import settings

from mcp_saas.kit.metrics import note_provider, note_unusable_fields
from mcp_saas.kit.tally import Tallied, find_tally

OutsideName = Literal["openai", "sparkseer", "lnbits", "amboss"]
OutsideState = Literal["connected", "degraded", "disconnected", "not_configured"]
SHOWN: tuple[OutsideName, ...] = ("openai", "sparkseer", "lnbits")


def note_outcome(system: OutsideName, outcome: str, *, is_up: bool, unusable_fields: int = 0) -> None:
    """Of one call: "answered", or the word of what failed; beside it, how much of the answer was of no use."""
    note_provider(system, outcome=outcome)
    note_unusable_fields(system, unusable_fields)
    counted = Counter({outcome: 1, "unusable_fields": unusable_fields})
    find_tally(settings.ENV.redis_url).note(system, counted, is_up=is_up)


def read_outcomes(system: OutsideName) -> Tallied | None:
    return find_tally(settings.ENV.redis_url).read(system)


def read_outside_states() -> dict[str, OutsideState]:
    """By the names of the health's contract."""
    has_key = {"openai": settings.ENV.openai_api_key is not None}
    return {f"{system}_api": judge(read_outcomes(system), has_key=has_key.get(system, False)) for system in SHOWN}


def judge(tallied: Tallied | None, *, has_key: bool) -> OutsideState:
    """By the last twenty calls of a day, all boxes' together: all failed, a quarter failed, or fewer.

    Without any, the operator's own key says whether there is somebody to call; a box's alone is not seen from here.
    """
    recent = tallied.recent if tallied else ()
    if not recent:
        return "connected" if has_key else "not_configured"
    failed = recent.count(False)
    if failed == len(recent):
        return "disconnected"
    return "degraded" if failed * 4 >= len(recent) else "connected"
