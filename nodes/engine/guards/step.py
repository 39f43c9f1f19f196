"""The longest step of a rate, outbound or inbound."""

from msgspec.structs import replace

from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.report import ChannelPolicy


def cut_step(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    asked = case.limits.max_step_ppm
    if asked is None:
        return None
    longest = max(asked, case.least_change_ppm)  # else no step would ever be large enough to be written
    outbound = _cut(case.present.fee_rate_ppm, policy.fee_rate_ppm, longest=longest)
    inbound = _cut(case.present.inbound_fee_rate_ppm, policy.inbound_fee_rate_ppm, longest=longest)
    if outbound == policy.fee_rate_ppm and inbound == policy.inbound_fee_rate_ppm:
        return None
    return Guarded(
        policy=replace(policy, fee_rate_ppm=outbound, inbound_fee_rate_ppm=inbound),
        held_by="max_step_ppm",
        why=f"one step is at most {longest} ppm"
        + (f" (max_step_ppm {asked} lies below the least change)" if longest > asked else ""),
    )


def _cut(present_ppm: int, wished_ppm: int, *, longest: int) -> int:
    return min(max(wished_ppm, present_ppm - longest), present_ppm + longest)
