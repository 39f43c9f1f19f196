"""What of a policy a kind of node has at all. A wish for the rest is held, so that the rest of the wish is written."""

from typing import Literal

from msgspec.structs import replace

from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.report import ChannelPolicy

Implementation = Literal["lnd", "cln"]

# By field, in words that follow "Core Lightning has no". Source: setchannel's schema, which has none of them.
_CLN_LACKS = {
    "inbound_base_fee_msat": "inbound fees",
    "inbound_fee_rate_ppm": "inbound fees",
    "time_lock_delta": "time lock of a single channel",
    "disabled": "switch for a single channel",
}
LACKING: dict[Implementation, dict[str, str]] = {"lnd": {}, "cln": _CLN_LACKS}


def hold_unknown_fields(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """First of all: what the node has not cannot be cut, compared or counted."""
    fitted, why = fit_to_capabilities(policy, case.present, implementation=case.implementation)
    return None if why is None else Guarded(policy=fitted, held_by="capabilities", why=why)


def fit_to_capabilities(
    wished: ChannelPolicy, present: ChannelPolicy, *, implementation: Implementation
) -> tuple[ChannelPolicy, str | None]:
    """The wished policy with the present values where this kind of node cannot set others, and why; None: it can."""
    lacking = LACKING[implementation]
    held = [name for name in lacking if getattr(wished, name) != getattr(present, name)]
    if not held:
        return wished, None
    words = dict.fromkeys(lacking[name] for name in held)
    fitted = replace(wished, **{name: getattr(present, name) for name in held})
    return fitted, f"Core Lightning has no {' and no '.join(words)}"
