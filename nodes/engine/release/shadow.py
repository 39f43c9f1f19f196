"""What an engine in shadow would have written: its runs decided again, each on what it would have written before.

A stored run was decided on the node as it is. Had the engine acted, the next run would have met its own fee, its own
cooldown and its own use of gossip. So every run is decided anew, oldest first, with the fees, changes and memories that
the runs before it would have left. What the owner sets in the meantime counts in both worlds.

Flows stay those that were seen: nobody knows what traffic another fee would have drawn. What the fee is expected to
earn is an estimate beside it, with its interval, and nowhere added to what was earned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy
from nodes.engine.effect import estimate_effect
from nodes.engine.guards.ceiling import measure_loss_msat
from nodes.engine.in_force import has_same_terms
from nodes.engine.memory import ChannelMemories, NodeMemories, PeerMemories
from nodes.engine.policy_change import PolicyChange, keep_change, make_change
from nodes.engine.prepare import list_periods
from nodes.engine.report import ChannelPolicy, Instant
from nodes.engine.types import ChannelDecision, Effect


class ShadowError(ValueError):
    """The stored runs cannot be decided by this document."""


class ShadowPoint(Struct, frozen=True):
    """A moment at which one of the two fees changed, or a channel went off or on."""

    at: Instant
    actual_ppm: int
    shadow_ppm: int
    actual_off: bool
    shadow_off: bool


class ShadowChannel(Struct, frozen=True, kw_only=True):
    """One channel over the period. `income_msat`: what it really earned; `effect`: mean of the runs that have data."""

    short_channel_id: str
    peer_alias: str | None
    fees: list[ShadowPoint]
    writes: int
    income_msat: int | None
    effect: Effect | None
    owner_changes: int
    agreed: int  # of them, in the direction the engine had gone or wanted to go
    opposed: int


@dataclass
class _World:
    """One channel as the engine would have left it, and the owner's as it is."""

    actual: ChannelPolicy
    shadow: ChannelPolicy
    changes: list[PolicyChange]
    memory: ChannelMemories
    fees: list[ShadowPoint] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    writes: int = 0
    owner_changes: int = 0
    agreed: int = 0
    opposed: int = 0
    alias: str | None = None


class Shadow:
    """Feed it the runs of a node, oldest first; then ask for its channels."""

    def __init__(self, policy: FeePolicy | None = None) -> None:
        """`policy`: another document to decide by; None: each run's own."""
        self.policy = policy
        self.worlds: dict[str, _World] = {}
        self.node_memory: NodeMemories | None = None
        self.peer_memories: dict[str, PeerMemories] = {}
        self.runs = 0

    def feed(self, cycle: CycleInput, channels: Sequence[ChannelInput]) -> None:
        """One run. Channels whose own policy is not known are left out of it.

        Raises ShadowError where another document looks at periods the run measured nothing over.
        """
        self._check_periods(channels)
        self.runs += 1
        known = [given for given in channels if given.channel.own_policy is not None]
        for given in known:
            self._meet(given)
        cycle = replace(
            cycle,
            policy=self.policy or cycle.policy,
            memory=cycle.memory if self.node_memory is None else self.node_memory,
        )
        decided = decide_node(cycle, [self._imagine(given) for given in known])
        self.node_memory = {**cycle.memory, **decided.memories.node}
        self.peer_memories |= decided.memories.peers
        for given, decision in zip(known, decided.decisions, strict=True):
            world = self.worlds[given.channel.short_channel_id]
            world.memory = decided.memories.channels.get(given.channel.short_channel_id, world.memory)
            _write(world, decision, cycle=cycle)
            _remember(world, given, cycle=cycle)

    def list_channels(self, incomes_msat: dict[str, int] | None) -> list[ShadowChannel]:
        """In the order they were met. `incomes_msat`: None where forwards are not known for the period."""
        return [
            ShadowChannel(
                short_channel_id=scid,
                peer_alias=world.alias,
                fees=world.fees,
                writes=world.writes,
                income_msat=None if incomes_msat is None else incomes_msat.get(scid, 0),
                effect=average_effects(world.effects),
                owner_changes=world.owner_changes,
                agreed=world.agreed,
                opposed=world.opposed,
            )
            for scid, world in self.worlds.items()
        ]

    def _check_periods(self, channels: Sequence[ChannelInput]) -> None:
        periods = list_periods(self.policy) if self.policy else []
        missing = [str(period) for period in periods if channels and period not in channels[0].windows]
        if missing:
            raise ShadowError(f"no data: no run measured forwards over {', '.join(missing)} s, as the document asks")

    def _meet(self, given: ChannelInput) -> None:
        """Takes over what somebody else has set since the last run."""
        present = given.channel.own_policy
        assert present is not None  # noqa: S101 - `feed` leaves the others out
        world = self.worlds.get(given.channel.short_channel_id)
        if world is None:
            world = _World(present, present, list(given.changes), given.memory)
            self.worlds[given.channel.short_channel_id] = world
        elif not has_same_terms(present, world.actual):
            newest = given.changes[-1] if given.changes else None
            if newest is None or newest.by != "engine":
                _follow_owner(world, present, newest=newest)
        if present.disabled != world.actual.disabled:  # what the engine switched off stays so until somebody else acts
            world.shadow = replace(world.shadow, disabled=present.disabled)
        world.actual, world.alias = present, given.channel.peer_alias

    def _imagine(self, given: ChannelInput) -> ChannelInput:
        world = self.worlds[given.channel.short_channel_id]
        return replace(
            given,
            channel=replace(given.channel, own_policy=world.shadow),
            tags=given.tags if self.policy is None else name_tags(self.policy, given),
            changes=world.changes,
            memory=world.memory,
            peer_memory=self.peer_memories.get(given.channel.peer_pubkey, given.peer_memory),
        )


def name_tags(policy: FeePolicy, given: ChannelInput) -> list[str]:
    names = {given.channel.short_channel_id, given.channel.peer_pubkey}
    return sorted(tag for tag, members in policy.tags.items() if names & set(members))


def average_effects(effects: Sequence[Effect]) -> Effect | None:
    """None: no run has data."""
    if not effects:
        return None
    count = len(effects)
    return Effect(
        sat_per_day=round(sum(effect.sat_per_day for effect in effects) / count, 3),
        low_sat_per_day=round(sum(effect.low_sat_per_day for effect in effects) / count, 3),
        high_sat_per_day=round(sum(effect.high_sat_per_day for effect in effects) / count, 3),
        basis=f"mean of {count} runs with data, the shadow fee in the place of the actual one",
    )


def sum_effects(channels: Iterable[ShadowChannel]) -> Effect | None:
    """Of a node; the bounds add up as if all channels erred the same way. None: no channel has data."""
    effects = [channel.effect for channel in channels if channel.effect is not None]
    if not effects:
        return None
    return Effect(
        sat_per_day=round(sum(effect.sat_per_day for effect in effects), 3),
        low_sat_per_day=round(sum(effect.low_sat_per_day for effect in effects), 3),
        high_sat_per_day=round(sum(effect.high_sat_per_day for effect in effects), 3),
        basis=f"sum over {len(effects)} channels with data",
    )


def _follow_owner(world: _World, present: ChannelPolicy, *, newest: PolicyChange | None) -> None:
    """The owner's change counts in both worlds; whether the engine had gone the same way is remembered."""
    moved_ppm = present.fee_rate_ppm - world.actual.fee_rate_ppm
    wanted_ppm = world.shadow.fee_rate_ppm - world.actual.fee_rate_ppm
    if moved_ppm and newest is not None and newest.by == "owner":
        world.owner_changes += 1
        world.agreed += moved_ppm * wanted_ppm > 0
        world.opposed += moved_ppm * wanted_ppm < 0
    if newest is not None:
        world.changes = keep_change(world.changes, newest)
    world.shadow = present


def _write(world: _World, decision: ChannelDecision, *, cycle: CycleInput) -> None:
    proposed = decision.proposed_policy
    if proposed is None or proposed == world.shadow:
        return
    loss_msat = measure_loss_msat(decision.effect)
    change = make_change(world.shadow, proposed, at=cycle.now, by="engine", expected_loss_msat=loss_msat)
    world.changes = keep_change(world.changes, change)
    world.shadow = proposed
    world.writes += 1


def _remember(world: _World, given: ChannelInput, *, cycle: CycleInput) -> None:
    actual, shadow = world.actual, world.shadow
    point = ShadowPoint(cycle.now, actual.fee_rate_ppm, shadow.fee_rate_ppm, actual.disabled, shadow.disabled)
    if not world.fees or replace(point, at=world.fees[-1].at) != world.fees[-1]:
        world.fees.append(point)
    effect = estimate_effect(given.flow, world.actual, proposed=world.shadow)
    if effect is not None:
        world.effects.append(effect)
