"""How the strategies that remember are asked for their wishes: some survey all their channels first."""

from collections import defaultdict
from collections.abc import Sequence

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.policies.brln.wish import find_top, wish_brln
from nodes.engine.policies.clboss.wish import wish_clboss
from nodes.engine.policies.daily import wish_daily
from nodes.engine.policies.fee_adjuster import wish_fee_adjuster
from nodes.engine.policies.lndmanage import wish_lndmanage
from nodes.engine.policies.marginal.wish import survey_demand, wish_marginal
from nodes.engine.policies.pid.wish import survey_pid, wish_pid
from nodes.engine.pricer import Prepare, Pricer, prepare_each, prepare_node
from nodes.engine.stateful_strategies import (
    BrlnStrategy,
    ClbossStrategy,
    DailyStrategy,
    FeeAdjusterStrategy,
    LndmanageStrategy,
    MarginalStrategy,
    PidStrategy,
)


def prepare_pid(cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: PidStrategy) -> Pricer:
    survey, gated = survey_pid(cycle, channels, strategy=strategy)
    return Pricer(wish=lambda given: wish_pid(given, strategy, survey=survey, gated=gated), node_memory=survey.margin)


def prepare_lndmanage(cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: LndmanageStrategy) -> Pricer:
    groups: dict[str, list[ChannelInput]] = defaultdict(list)
    for given in channels:
        groups[given.channel.peer_pubkey].append(given)
    return Pricer(
        wish=lambda given: wish_lndmanage(cycle, given, strategy=strategy, shared=groups[given.channel.peer_pubkey])
    )


def prepare_brln(cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: BrlnStrategy) -> Pricer:
    top = find_top(channels)
    return Pricer(wish=lambda given: wish_brln(cycle, given, strategy=strategy, top=top))


def prepare_marginal(cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: MarginalStrategy) -> Pricer:
    node = survey_demand(channels)
    return Pricer(wish=lambda given: wish_marginal(cycle, given, strategy=strategy, node=node))


STATEFUL: dict[type, Prepare] = {
    ClbossStrategy: prepare_each(wish_clboss),
    PidStrategy: prepare_node(prepare_pid),
    LndmanageStrategy: prepare_node(prepare_lndmanage),
    BrlnStrategy: prepare_node(prepare_brln),
    FeeAdjusterStrategy: prepare_each(wish_fee_adjuster),
    DailyStrategy: prepare_each(wish_daily),
    MarginalStrategy: prepare_node(prepare_marginal),
}
