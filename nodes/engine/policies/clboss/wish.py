"""The wish of CLBOSS's strategy for a channel: the price of its peer."""

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.memory import ClbossMemory
from nodes.engine.policies.clboss.price import PeerView, price_peer
from nodes.engine.stateful_strategies import ClbossStrategy
from nodes.engine.wish import Wish


def wish_clboss(cycle: CycleInput, given: ChannelInput, *, strategy: ClbossStrategy) -> Wish:
    """All channels of a peer get one price. Without a market there is none; what is tried out goes on meanwhile."""
    terms = f"clboss, zero base fee: {strategy.zero_base}"
    if given.market is None:
        reason = "Nobody else's fees towards this peer are known (no data)"
        return Wish(rule="clboss/no-data", reason=reason, terms=terms)
    if given.peer.capacity_sat <= 0:
        return Wish(rule="clboss/no-data", reason="The capacity with this peer is not known (no data)", terms=terms)
    memory = given.peer_memory.get("clboss")
    state = price_peer(
        PeerView(
            now=cycle.now,
            seed=f"{cycle.draw_seed}/{given.channel.peer_pubkey}",
            capacity_sat=given.peer.capacity_sat,
            local_sat=min(given.peer.local_sat, given.peer.capacity_sat),
            earned_msat=given.peer.earned_msat or 0,
            market=given.market,
            memory=memory if isinstance(memory, ClbossMemory) else None,
        ),
        strategy,
    )
    return Wish(
        rule="clboss",
        reason=state.reason,
        terms=terms,
        fee_rate_ppm=state.fee_rate_ppm,
        base_fee_msat=state.base_fee_msat,
        peer_memory=state,
    )
