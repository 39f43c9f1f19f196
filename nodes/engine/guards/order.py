"""All guards of one channel, in their order. The first ones cut the wish, the later ones let it pass or stop it."""

from nodes.engine.guards.arbitrage import raise_inbound
from nodes.engine.guards.bounds import bound_base_fee, bound_fee_rate, bound_inbound
from nodes.engine.guards.capabilities import hold_unknown_fields
from nodes.engine.guards.case import Guard, GuardCase, Guarded
from nodes.engine.guards.cooldown import let_rest
from nodes.engine.guards.daily import count_day
from nodes.engine.guards.gossip import spend_gossip
from nodes.engine.guards.manual import respect_owner
from nodes.engine.guards.oscillation import find_oscillation
from nodes.engine.guards.smoothing import smooth_rates
from nodes.engine.guards.step import cut_step
from nodes.engine.guards.whole_policy import write_wish
from nodes.engine.guards.worth import find_worthless
from nodes.engine.wish import Wish

GUARDS: tuple[Guard, ...] = (
    hold_unknown_fields,
    smooth_rates,
    cut_step,
    bound_fee_rate,
    bound_base_fee,
    bound_inbound,
    raise_inbound,  # after every cut of a rate: what is written is free of arbitrage
    find_worthless,
    respect_owner,
    let_rest,
    count_day,
    find_oscillation,
    spend_gossip,
)


def guard_wish(wish: Wish, case: GuardCase) -> Guarded:
    """What of the wish may be written, in the whole policy: every field the wish does not name stays as it is.

    No wish is no change, even when the present fee lies outside the limits: they bind what we write. `held_by` names
    the last guard that cut the wish, or the one that stopped it; None: what was wished is written.
    """
    wished = guarded = write_wish(wish, case.present)
    if wished.policy == case.present:
        return wished
    for guard in GUARDS:
        held = guard(guarded.policy, case)
        if held is None:
            continue
        guarded = held
        if guarded.policy == case.present:
            break
    return wished if guarded.policy == wished.policy else guarded
