"""Shows a policy the state of its node, in the shapes a box reports it."""

from nodes.engine.prepare import NodeFacts
from nodes.engine.report import MAX_PPM, ChannelPolicy, ChannelState, NodeSnapshot, NodeState, PeerPolicy
from nodes.simulator.block import estimate_height
from nodes.simulator.closed_loop.books import Books, tell_instant
from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.closed_loop.market import Market

_OPENED_DAYS_BEFORE = 200
_VERSION = "0.18.5-beta"


def observe(market: Market, books: Books, *, now_ms: int) -> NodeFacts:
    """What a run of the pipeline would know of this node now."""
    network = market.network
    snapshot = NodeSnapshot(
        seq=now_ms,
        taken_at=tell_instant(now_ms),
        node=NodeState(
            alias=network.aliases[network.own],
            implementation="lnd",
            version=_VERSION,
            block_height=estimate_height(now_ms // 1000),
            synced_to_chain=True,
        ),
        channels=[
            _show_channel(market, scid, direction=direction, now_ms=now_ms)
            for scid, direction in network.own_directions.items()
        ],
    )
    return NodeFacts(
        snapshot=snapshot,
        forwards=books.show_forwards(now_ms=now_ms),
        history_since=tell_instant(market.world.start_ms),
        own_pubkey=network.pubkeys[network.own],
        draw_seed=network.pubkeys[network.own],
        positions=network.positions,
        markets=market.survey(),
        changes={scid: list(changes) for scid, changes in books.changes.items()},
    )


def _show_channel(market: Market, scid: str, *, direction: int, now_ms: int) -> ChannelState:
    """Balances in whole sat, as nodes tell them. Our peers' policies are shown as they are in force."""
    network, ledger = market.network, market.ledger
    peer = network.heads[direction]
    own = market.policies[direction]
    uptime_s, lifetime_s = market.measure_presence(direction >> 1, now_ms=now_ms)
    return ChannelState(
        short_channel_id=scid,
        peer_pubkey=network.pubkeys[peer],
        peer_alias=network.aliases[peer],
        capacity_sat=ledger.capacities[direction >> 1] // 1000,
        local_balance_sat=ledger.balances[direction] // 1000,
        remote_balance_sat=ledger.balances[direction ^ 1] // 1000,
        active=not market.is_away(direction >> 1, now_ms=now_ms),
        initiator=direction % 2 == 0,
        opened_at=tell_instant(market.world.start_ms - _OPENED_DAYS_BEFORE * DAY_MS),
        own_policy=None if own is None else show_own(own),
        uptime_s=uptime_s,
        lifetime_s=lifetime_s,
        peer_policy=market.policies[direction ^ 1],
    )


def show_own(policy: PeerPolicy) -> ChannelPolicy:
    return ChannelPolicy(
        base_fee_msat=policy.base_fee_msat,
        fee_rate_ppm=min(policy.fee_rate_ppm, MAX_PPM),
        time_lock_delta=policy.time_lock_delta,
        min_htlc_msat=policy.min_htlc_msat,
        max_htlc_msat=policy.max_htlc_msat,
        disabled=policy.disabled,
        inbound_base_fee_msat=policy.inbound_base_fee_msat,
        inbound_fee_rate_ppm=max(-MAX_PPM, min(policy.inbound_fee_rate_ppm, MAX_PPM)),
    )
