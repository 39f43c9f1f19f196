"""Many runs on all processors: every contender on the same nodes, seeds and competitors."""

import gc
import itertools
import signal
import time
from collections.abc import Collection, Generator, Sequence
from multiprocessing import get_context
from typing import NamedTuple

from msgspec import Struct, structs

from nodes.simulator.closed_loop.calibration import calibrate
from nodes.simulator.closed_loop.competitors import CompetitorKind
from nodes.simulator.closed_loop.contender import GRID, ORACLE, PROBE_FACTORS, Contender, make_probe
from nodes.simulator.closed_loop.loop import ClosedLoop, Terms
from nodes.simulator.closed_loop.network import Network
from nodes.simulator.closed_loop.outcome import Outcome
from nodes.simulator.closed_loop.profiles import shape_world
from nodes.simulator.closed_loop.world import ClosedWorld, make_closed_world

PROBED_SEEDS = 3  # on the first seeds of each node elasticity is measured, with two more runs


class RunKey(NamedTuple):
    """What an outcome is the outcome of, within one setting."""

    pubkey: str
    seed: int
    competitors: str
    policy: str


class Campaign(Struct, frozen=True, kw_only=True):
    """`profile`: the name of a node profile the worlds are shaped after; None: as they come out of the graph."""

    networks: list[Network]
    contenders: list[Contender]
    seeds: list[int]
    competitors: list[CompetitorKind]
    terms: Terms
    profile: str | None = None

    def list_tasks(self, *, done: Collection[RunKey] = (), probed: CompetitorKind | None = None) -> list["Task"]:
        """What is not done yet, seed by seed, so that an interrupted campaign has looked at all nodes.

        `probed`: the competitors among whom elasticity is measured; None: the first.
        """
        tasks: list[Task] = []
        for position, seed in enumerate(self.seeds):
            for kind, network in itertools.product(self.competitors, self.networks):
                is_probed = position < PROBED_SEEDS and kind == (probed or self.competitors[0])
                probes = [make_probe(factor) for factor in PROBE_FACTORS] if is_probed else []
                pubkey = network.pubkeys[network.own]
                missing = [
                    one for one in [*self.contenders, *probes] if RunKey(pubkey, seed, kind, one.name) not in done
                ]
                if missing:
                    terms = structs.replace(self.terms, competitors=kind)
                    tasks.append(
                        Task(network=network, seed=seed, contenders=missing, terms=terms, profile=self.profile)
                    )
        return tasks


class Task(Struct, frozen=True, kw_only=True):
    """One world: calibrated once, then met by every contender."""

    network: Network
    seed: int
    contenders: list[Contender]
    terms: Terms
    profile: str | None


def key_of(outcome: Outcome) -> RunKey:
    return RunKey(outcome.pubkey, outcome.seed, outcome.competitors, outcome.policy)


def run_campaign(tasks: Sequence[Task], *, workers: int) -> Generator[list[Outcome]]:
    """The outcomes of each task, as they come: a small world does not wait for a large one. Closing the iterator ends
    the workers.
    """
    with get_context("spawn").Pool(workers, initializer=_begin_work) as pool:
        yield from pool.imap_unordered(run_task, tasks)


def run_task(task: Task) -> list[Outcome]:
    world = calibrate(make_closed_world(task.network, seed=task.seed))
    if task.profile is not None:
        world = shape_world(world, task.profile)
    gc.collect()  # the only place where it runs
    return [_meet(world, contender, terms=task.terms) for contender in task.contenders]


def _meet(world: ClosedWorld, contender: Contender, *, terms: Terms) -> Outcome:
    if contender.name == ORACLE and contender.document is None:
        tried = [_meet(world, make_probe(factor), terms=terms) for factor in GRID]
        best = max(tried, key=lambda outcome: outcome.net_sat_per_day)
        return structs.replace(best, policy=ORACLE, cpu_s=sum(outcome.cpu_s for outcome in tried))
    began_s = time.process_time()
    outcome = ClosedLoop(world, contender.make_pricer(), terms=terms).run(policy_name=contender.name)
    return structs.replace(outcome, cpu_s=round(time.process_time() - began_s, 3))


def _begin_work() -> None:
    """Interrupts are the parent's business; what a run makes stays referenced, so looking for garbage finds none."""
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
