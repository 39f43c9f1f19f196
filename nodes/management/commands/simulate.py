"""`manage.py simulate`: fee policies against each other on simulated nodes, and a written report."""

import os
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from nodes.simulator.closed_loop.campaign import Campaign, run_campaign
from nodes.simulator.closed_loop.competitors import COMPETITOR_KINDS
from nodes.simulator.closed_loop.contender import DEFAULT_NAMES, ContenderError, find_contender, list_names
from nodes.simulator.closed_loop.extract import NODE_SIZES, ChoiceError, choose_nodes, cut_extract, tell_choice
from nodes.simulator.closed_loop.loop import Terms
from nodes.simulator.closed_loop.network import Network
from nodes.simulator.closed_loop.outcome import Outcome
from nodes.simulator.closed_loop.profiles import PROFILES
from nodes.simulator.closed_loop.report import weigh_outcomes, write_html, write_markdown
from nodes.simulator.closed_loop.store import OutcomeStore, StoreError
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.graph import Graph
from nodes.sources.describegraph.positions import rank_network
from nodes.sources.describegraph.reader import GraphFileError, read_graph

_BAR_WIDTH = 30
_GENERATED_AT_S = 1_727_000_000


class Command(BaseCommand):
    help = "Runs fee policies on simulated nodes of a channel graph and writes a report (Markdown, HTML, JSON)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--graph", type=Path, help="an `lncli describegraph` file; without: a generated network")
        parser.add_argument("--nodes", type=int, default=20, help="how many nodes, chosen before anything is run")
        parser.add_argument("--pubkey", action="append", default=[], help="these nodes instead; may be repeated")
        parser.add_argument(
            "--sizes", type=int, nargs="+", default=list(NODE_SIZES), help="channels of the nodes chosen"
        )
        parser.add_argument("--seeds", type=int, default=30, help="how many seeds a node")
        parser.add_argument("--first-seed", type=int, default=1)
        parser.add_argument("--days", type=int, default=60)
        parser.add_argument("--period", type=int, default=24, help="hours between decisions: a divisor of 24")
        names = f"files of fee policy documents, or: {', '.join(list_names())}"
        parser.add_argument("--policies", nargs="+", default=list(DEFAULT_NAMES), metavar="NAME", help=names)
        parser.add_argument("--competitors", nargs="+", choices=COMPETITOR_KINDS, default=list(COMPETITOR_KINDS))
        parser.add_argument("--profile", choices=sorted(PROFILES), help="give every node this mark")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
        parser.add_argument(
            "--out", type=Path, help="folder for report.md, report.html and outcomes.json; goes on where it was"
        )
        parser.add_argument("--json", action="store_true", help="print the findings as JSON instead of Markdown")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = _plan(options)
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory() as passing:
            outcomes, names = self._simulate(campaign, options, folder=options["out"] or Path(passing))
        setting = _describe(campaign, options, outcomes=outcomes, took_s=time.monotonic() - began_s)
        findings = weigh_outcomes(outcomes, names, title="Simulated fee policies", setting=setting)
        report = write_markdown(findings)
        if options["out"] is not None:
            (options["out"] / "report.md").write_text(report, encoding="utf-8")
            (options["out"] / "report.html").write_text(write_html(findings), encoding="utf-8")
            (options["out"] / "outcomes.json").write_bytes(msgspec.json.encode(outcomes))
        self.stdout.write(msgspec.json.encode(findings).decode() if options["json"] else report)

    def _simulate(
        self, campaign: Campaign, options: dict[str, Any], *, folder: Path
    ) -> tuple[list[Outcome], list[str]]:
        """Goes on where the folder's last call was. All outcomes it holds then, and the policies of all calls."""
        with closing(_open_store(folder, campaign)) as store:
            _run(campaign, store, workers=options["workers"], screen=self.stderr)
            outcomes = store.list_outcomes([network.pubkeys[network.own] for network in campaign.networks])
            if not outcomes:
                raise CommandError("interrupted before the first node was done: nothing to report")
            return outcomes, store.policies


def _plan(options: dict[str, Any]) -> Campaign:
    for name in ("days", "seeds", "nodes", "workers"):
        if options[name] < 1:
            raise CommandError(f"--{name} {options[name]}: must be 1 or more")
    if min(options["sizes"]) < 1:
        raise CommandError(f"--sizes {min(options['sizes'])}: a node has one channel or more")
    if not 1 <= options["period"] <= 24 or 24 % options["period"]:
        raise CommandError(f"--period {options['period']}: must be a divisor of 24")
    try:
        return Campaign(
            networks=_cut_networks(options),
            contenders=[find_contender(name) for name in options["policies"]],
            seeds=list(range(options["first_seed"], options["first_seed"] + options["seeds"])),
            competitors=options["competitors"],
            terms=Terms(days=options["days"], period_h=options["period"]),
            profile=options["profile"],
        )
    except (ContenderError, ChoiceError, GraphFileError) as error:
        raise CommandError(str(error)) from None


def _cut_networks(options: dict[str, Any]) -> list[Network]:
    graph = _read_graph(options["graph"])
    pubkeys = options["pubkey"] or choose_nodes(
        graph, options["nodes"], seed=options["first_seed"], sizes=tuple(options["sizes"])
    )
    positions = rank_network(graph)
    return [cut_extract(graph, pubkey, positions=positions) for pubkey in pubkeys]


def _read_graph(path: Path | None) -> Graph:
    if path is not None:
        return read_graph(path)
    return generate_network(seed=1, now_s=_GENERATED_AT_S, node_count=200)


def _open_store(folder: Path, campaign: Campaign) -> OutcomeStore:
    try:
        return OutcomeStore.open(folder, campaign)
    except (StoreError, OSError) as error:
        raise CommandError(str(error)) from None


def _run(campaign: Campaign, store: OutcomeStore, *, workers: int, screen: OutputWrapper) -> None:
    """Interrupted, the store holds what was done so far."""
    tasks = campaign.list_tasks(done=store.done, probed=store.competitors[0])
    if store.done:
        screen.write(f"{len(store.done)} runs are done already; {len(tasks)} worlds are left.")
    began_s = time.monotonic()
    runs = run_campaign(tasks, workers=max(1, workers))
    try:
        for done, found in enumerate(runs, start=1):
            store.keep(found)
            _show_progress(screen, done, total=len(tasks), began_s=began_s)
    except KeyboardInterrupt:
        screen.write("\nInterrupted: the report covers what was done. The same call with the same --out goes on.")
    finally:
        runs.close()


def _show_progress(screen: OutputWrapper, done: int, *, total: int, began_s: float) -> None:
    filled = "#" * (_BAR_WIDTH * done // total)
    left_s = (time.monotonic() - began_s) / done * (total - done)
    end = "\n" if done == total else ""
    screen.write(f"\r[{filled:<{_BAR_WIDTH}}] {done}/{total} worlds, about {left_s / 60:.1f} min left", ending=end)
    screen.flush()


def _describe(campaign: Campaign, options: dict[str, Any], *, outcomes: Sequence[Outcome], took_s: float) -> list[str]:
    graph = options["graph"].name if options["graph"] else "a generated network"
    sizes = sorted(len(network.own_directions) for network in campaign.networks)
    chosen = "given by public key" if options["pubkey"] else f"chosen before looking. {tell_choice(options['sizes'])}"
    seeds = sorted({outcome.seed for outcome in outcomes})
    worlds = {(outcome.pubkey, outcome.seed, outcome.competitors) for outcome in outcomes}
    return [
        f"Graph: {graph}; {len(campaign.networks)} nodes of {', '.join(map(str, sizes))} channels, {chosen}",
        f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}, {campaign.terms.days} days",
        f"A decision every {campaign.terms.period_h} h; profile: {campaign.profile or 'normal'}",
        f"Worlds (node x seed x competitors): {len(worlds)}; the last call took {took_s / 60:.1f} minutes",
        "Net = fees earned - rebalancing - share of on-chain fees, in sat a day. Simulated: no forecast of any income.",
    ]
