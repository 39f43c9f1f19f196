"""Many runs on all processors: every contender on the same nodes, seeds and competitors."""

import gc
import signal
import time
from collections.abc import Generator, Sequence
from multiprocessing import get_context

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


class Campaign(Struct, frozen=True, kw_only=True):
    """`profile`: the name of a node profile the worlds are shaped after; None: as they come out of the graph."""

    networks: list[Network]
    contenders: list[Contender]
    seeds: list[int]
    competitors: list[CompetitorKind]
    terms: Terms
    profile: str | None = None

    def list_tasks(self) -> list["Task"]:
        """Seed by seed, so that an interrupted campaign has looked at all nodes."""
        return [
            Task(
                network=network,
                seed=seed,
                contenders=self.contenders,
                terms=structs.replace(self.terms, competitors=kind),
                profile=self.profile,
                is_probed=position < PROBED_SEEDS and kind == self.competitors[0],
            )
            for position, seed in enumerate(self.seeds)
            for kind in self.competitors
            for network in self.networks
        ]


class Task(Struct, frozen=True, kw_only=True):
    """One world: calibrated once, then met by every contender."""

    network: Network
    seed: int
    contenders: list[Contender]
    terms: Terms
    profile: str | None
    is_probed: bool


def run_campaign(tasks: Sequence[Task], *, workers: int) -> Generator[list[Outcome]]:
    """The outcomes of each task, in the order of the tasks. Closing the iterator ends the workers."""
    with get_context("spawn").Pool(workers, initializer=_begin_work) as pool:
        yield from pool.imap(run_task, tasks)


def run_task(task: Task) -> list[Outcome]:
    world = calibrate(make_closed_world(task.network, seed=task.seed))
    if task.profile is not None:
        world = shape_world(world, task.profile)
    gc.collect()  # the only place where it runs
    probes = [make_probe(factor) for factor in PROBE_FACTORS] if task.is_probed else []
    return [_meet(world, contender, terms=task.terms) for contender in [*task.contenders, *probes]]


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
