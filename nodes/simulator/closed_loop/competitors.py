"""What the other nodes do with their fees while ours decides about its own."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import structs

from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.closed_loop.market import Changes
from nodes.simulator.closed_loop.payment import Try
from nodes.simulator.closed_loop.world import ClosedWorld

CompetitorKind = Literal["frozen", "drifting", "reacting"]
COMPETITOR_KINDS: tuple[str, ...] = get_args(CompetitorKind)

WEEK = 7  # days between two moves of a node; each day has its seventh of the nodes
_LOSS, _GAIN = 0.8, 1.25  # of the flow of the week before
_CUT, _RISE = 0.9, 1.05
_LARGEST_FACTOR = 4.0  # a reacting node stays within this factor of where it began


class Competitors:
    """frozen: nobody moves. drifting: 10 % a week at random. reacting: who lost flow gets cheaper, who won dearer."""

    def __init__(self, world: ClosedWorld, *, kind: CompetitorKind) -> None:
        self._world = world
        self._kind = kind
        routes = [route for pair in world.demand.pairs for route in pair.routes]
        network = world.network
        seen = {direction for route in routes for direction in route.directions}
        self._movable = sorted(direction for direction in seen if network.tails[direction] != network.own)
        self._flow: Counter[int] = Counter()
        self._flow_before: dict[int, int] = {}

    def note_flow(self, tried: Try) -> None:
        if self._kind == "reacting":
            for direction, amount in zip(tried.route.directions, tried.amounts_msat, strict=True):
                self._flow[direction] += amount

    def move(self, policies: Sequence[PeerPolicy | None], *, now_ms: int) -> Changes:
        """The new policies of the nodes whose day it is."""
        if self._kind == "frozen":
            return {}
        day = now_ms // DAY_MS
        changes: dict[int, PeerPolicy | None] = {}
        for direction in self._movable:
            policy = policies[direction]
            if policy is None or (self._world.network.tails[direction] + day) % WEEK:
                continue
            factor = self._world.dice.find_drift(direction, day) if self._kind == "drifting" else self._react(direction)
            fee_rate_ppm = self._bound(direction, round(policy.fee_rate_ppm * factor))
            if fee_rate_ppm != policy.fee_rate_ppm:
                changes[direction] = structs.replace(policy, fee_rate_ppm=fee_rate_ppm)
        return changes

    def _react(self, direction: int) -> float:
        flow, before = self._flow.pop(direction, 0), self._flow_before.get(direction, 0)
        self._flow_before[direction] = flow
        if flow < before * _LOSS:
            return _CUT
        return _RISE if flow > before * _GAIN and before else 1.0

    def _bound(self, direction: int, fee_rate_ppm: int) -> int:
        began = self._world.network.policies[direction]
        start = began.fee_rate_ppm if began else 0
        return max(round(start / _LARGEST_FACTOR), min(fee_rate_ppm, round(start * _LARGEST_FACTOR)))
