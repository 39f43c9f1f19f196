"""The decision on a node. Pure: the same input gives the same decision, byte for byte."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from nodes.engine.cycle import ChannelInput, CycleInput, Memories, NodeDecision
from nodes.engine.effect import estimate_effect
from nodes.engine.guards.bars import Bar, NodeStanding, find_bar
from nodes.engine.guards.case import Guarded
from nodes.engine.guards.node import guard_wishes
from nodes.engine.memory import AnyMemory, ChannelMemories, NodeMemories, PeerMemories
from nodes.engine.pricer import Pricer
from nodes.engine.pricing import prepare_strategy
from nodes.engine.reason import explain_change
from nodes.engine.report import ChannelPolicy
from nodes.engine.rules import Site, compile_rules
from nodes.engine.types import ChannelDecision, Direction
from nodes.engine.wish import Wish

UNMATCHED = Bar(held_by="unmatched", reason="No rule of the fee policy matches this channel, so it is left as it is.")


class Priced(NamedTuple):
    """A channel, the rule that prices it, what keeps it out, and what is wished for it."""

    given: ChannelInput
    site: Site | None
    bar: Bar | None
    wish: Wish | None


def decide_node(cycle: CycleInput, channels: Sequence[ChannelInput]) -> NodeDecision:
    """What each channel should charge, and why.

    1. match: the rule of the fee policy that prices a channel, with the values collected on the way
    2. survey: each strategy looks at all the channels it is to price
    3. bar: a channel that cannot or should not be priced is kept as it is
    4. wish: the strategy says what it would charge
    5. settle: is the change large enough for the rule to write it?
    6. guard: what of the wishes may be written, channel by channel and then together, in the node's whole policy
    7. compare: raise, lower, change or keep
    8. explain it in a sentence, and estimate what it earns or costs
    """
    priced, pricers = price_node(cycle, channels)
    guarded = guard_wishes(cycle, channels, wishes=[one.wish for one in priced])
    return NodeDecision(
        decisions=[_decide_channel(one, guarded=held) for one, held in zip(priced, guarded, strict=True)],
        memories=_gather_memories(cycle, priced, pricers=pricers),
    )


def price_node(cycle: CycleInput, channels: Sequence[ChannelInput]) -> tuple[list[Priced], dict[int, Pricer]]:
    """Steps 1 to 4: what each channel's rule wishes, and the strategies by the identity of their site."""
    choose = compile_rules(cycle.policy.rules, cycle)
    sites = [choose(given) for given in channels]
    pricers = _survey(cycle, channels, sites=sites)
    node = NodeStanding(block_height=cycle.node.block_height, synced_to_chain=cycle.node.synced_to_chain)
    bars = [find_bar(given.channel, node, bars=cycle.policy.bars) for given in channels]
    return [
        Priced(given, site, bar, None if bar or site is None else pricers[id(site)].wish(given))
        for given, site, bar in zip(channels, sites, bars, strict=True)
    ], pricers


def _survey(cycle: CycleInput, channels: Sequence[ChannelInput], *, sites: Sequence[Site | None]) -> dict[int, Pricer]:
    """A pricer a site, by the site's identity: `compile_rules` makes one object for all channels of a site."""
    members: defaultdict[int, list[ChannelInput]] = defaultdict(list)
    by_id: dict[int, Site] = {}
    for given, site in zip(channels, sites, strict=True):
        if site is not None:
            by_id[id(site)] = site
            members[id(site)].append(given)
    return {
        key: prepare_strategy(cycle, members[key], strategy=site.strategy, values=site.values)
        for key, site in by_id.items()
    }


def _decide_channel(priced: Priced, *, guarded: Guarded | None) -> ChannelDecision:
    given, site, bar, wish = priced
    present = given.channel.own_policy
    if present is None or site is None or wish is None or guarded is None:
        return _keep_out(present, bar or UNMATCHED)
    return ChannelDecision(
        direction=compare_policies(present, guarded.policy),
        section=site.section,
        rule=wish.rule,
        reason=explain_change(wish, present, guarded=guarded),
        proposed_policy=guarded.policy,
        held_by=guarded.held_by,
        effect=estimate_effect(given.flow, present, proposed=guarded.policy),
    )


def compare_policies(present: ChannelPolicy, proposed: ChannelPolicy) -> Direction:
    """By the outbound fee rate; where it stays, by the base fee, and then by the inbound fees. Where all fees stay and
    something else moves, it is a change; "keep" says that nothing is written.
    """
    before, after = (
        (policy.fee_rate_ppm, policy.base_fee_msat, policy.inbound_fee_rate_ppm, policy.inbound_base_fee_msat)
        for policy in (present, proposed)
    )
    if after == before:
        return "keep" if proposed == present else "change"
    return "raise" if after > before else "lower"


def _gather_memories(cycle: CycleInput, priced: list[Priced], *, pricers: dict[int, Pricer]) -> Memories:
    """What strategies want to find again, under their tag beside what others left there."""
    node: NodeMemories = {}
    peers: dict[str, PeerMemories] = {}
    channels: dict[str, ChannelMemories] = {}
    for given, site, _, wish in priced:
        if site is None or wish is None:
            continue
        kept = pricers[id(site)].node_memory
        if kept is not None:
            node[tag_of(kept)] = kept
        if wish.memory is not None:
            channels[given.channel.short_channel_id] = given.memory | {tag_of(wish.memory): wish.memory}
        if wish.peer_memory is not None:
            peer = given.channel.peer_pubkey
            peers[peer] = peers.get(peer, given.peer_memory) | {tag_of(wish.peer_memory): wish.peer_memory}
    return Memories(node=cycle.memory | node if node else {}, peers=peers, channels=channels)


def tag_of(memory: AnyMemory) -> str:
    """The strategy it belongs to, by its name in the fee policy."""
    return str(memory.__struct_config__.tag)


def _keep_out(present: ChannelPolicy | None, bar: Bar) -> ChannelDecision:
    return ChannelDecision(
        direction="keep",
        section=None,
        rule=f"kept/{bar.held_by}",
        reason=bar.reason,
        proposed_policy=present,
        held_by=bar.held_by,
        effect=None,
    )
