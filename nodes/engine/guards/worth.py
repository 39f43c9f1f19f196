"""Is the change worth a gossip message?"""

from msgspec.structs import replace

from nodes.engine.guards.case import GuardCase, Guarded, stop
from nodes.engine.report import ChannelPolicy


def find_worthless(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """charge-lnd's rule: a rate moves far enough, the inbound rate returns to 0, or any other field changes."""
    present, least = case.present, case.least_change_ppm
    inbound_ppm = abs(policy.inbound_fee_rate_ppm - present.inbound_fee_rate_ppm)
    is_worth_it = (
        abs(policy.fee_rate_ppm - present.fee_rate_ppm) >= least
        or inbound_ppm >= least
        or (policy.inbound_fee_rate_ppm == 0 and inbound_ppm > 0)
        or _differs_elsewhere(policy, present)
    )
    if is_worth_it:
        return None
    return stop(case, held_by="min_change_ppm", why=f"a change below {least} ppm is not worth a gossip message")


def _differs_elsewhere(policy: ChannelPolicy, present: ChannelPolicy) -> bool:
    rates = {"fee_rate_ppm": present.fee_rate_ppm, "inbound_fee_rate_ppm": present.inbound_fee_rate_ppm}
    return replace(policy, **rates) != present
