"""The same channels and rules, decided by us and by charge-lnd, in CPU-seconds: match and strategy; and what a whole
decision of ours takes, for which charge-lnd has no counterpart: guards, sentences, expected effects, preparation.

charge-lnd runs in a process of its own, from the source that `make bench` fetched into var/bench; where it could not be
fetched, the rates recorded for it on 1,000 channels stand in, and are called so.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from nodes.engine.change import settle_wish
from nodes.engine.charge_lnd.reader import read_charge_lnd
from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.prepare import FLOW_WINDOW, NodeFacts, prepare_run
from nodes.engine.pricing import prepare_strategy
from nodes.engine.report import ChannelState
from nodes.engine.rules import compile_rules
from nodes.engine.short_channel_id import channel_id_from_scid
from tests.factories import TAKEN_AT, pubkey_of
from tests.load.node import make_channels, make_large_snapshot, make_positions
from tests.load.report import time_cpu

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "var" / "bench" / "charge-lnd"
CHANNELS = 1_000
RECORDED = {"static": 46_000, "proportional": 46_000, "fourteen_sections": 5_000}
STATIC = "[default]\nstrategy = static\nbase_fee_msat = 1000\nfee_ppm = 200\n"
PROPORTIONAL = "[default]\nstrategy = proportional\nbase_fee_msat = 1000\nmin_fee_ppm = 100\nmax_fee_ppm = 300\n"
LISTED = ", ".join(pubkey_of(f"peer {number}") for number in range(1, 8))
FOURTEEN = f"""
[default]
strategy = static
base_fee_msat = 1_000
fee_ppm = 10
[defaults]
base_fee_msat = 1_000
min_fee_ppm_delta = 5
[zero-base]
chan.max_base_fee_msat = 0
base_fee_msat = 0
[congestion]
onchain.min_fee_rate = 500
base_fee_msat = 5_000
[lost-sync]
onchain.synced_to_chain = false
fee_ppm = 210_000
[ignored]
node.id = {LISTED}
strategy = ignore
[drains]
node.id = {", ".join(pubkey_of(f"peer {number}") for number in range(20, 27))}
strategy = static
fee_ppm = 3500
[expensive]
chan.min_fee_ppm = 8_000
strategy = match_peer
[leaf]
chan.private = true
strategy = static
fee_ppm = 100
[beginner]
node.max_capacity = 1_000_000
node.min_channels = 4
node.max_channels = 8
strategy = static
fee_ppm = 1
[encourage]
chan.min_ratio = 0.9
chan.min_capacity = 2_000_000
node.min_capacity = 50_000_000
strategy = static
fee_ppm = 5
[discourage]
chan.max_ratio = 0.2
chan.min_capacity = 2_000_000
node.min_capacity = 50_000_000
strategy = static
fee_ppm = 500
[middle]
chan.min_ratio = 0.2
chan.max_ratio = 0.9
chan.min_capacity = 1_000_000
strategy = proportional
min_fee_ppm = 10
max_fee_ppm = 200
[recover-cost]
chan.initiator = true
strategy = cost
cost_factor = 1.5
"""
CONFIGS = {"static": STATIC, "proportional": PROPORTIONAL, "fourteen_sections": FOURTEEN}


class Rates(Struct, frozen=True):
    """Channels a CPU-second. `theirs`: match and strategy; `ours`: these and the change rule;
    `decided`: the whole decision; `prepared`: with the preparation of its inputs.
    """

    ours: int
    decided: int
    prepared: int
    theirs: int


class Beside(Struct, frozen=True):
    rates: dict[str, Rates]
    is_measured: bool  # false: theirs are recorded ones

    def tell(self) -> list[tuple[str, str]]:
        whose = "charge-lnd in this run" if self.is_measured else "charge-lnd as recorded, it is not here"
        return [
            (
                f"{name.replace('_', ' ')}, {what} ({whose}, match and strategy: {rates.theirs:,})",
                f"{rate:,} channels per CPU-s, {rate / rates.theirs:.1f} times",
            )
            for name, rates in self.rates.items()
            for what, rate in (
                ("match, strategy and change rule", rates.ours),
                ("the whole decision", rates.decided),
                ("the whole decision and its preparation", rates.prepared),
            )
        ]


def measure_beside() -> Beside:
    channels = make_channels(CHANNELS)
    ours = {name: measure_ours(channels, config) for name, config in CONFIGS.items()}
    theirs = measure_theirs(channels) if (SOURCE / "charge_lnd").is_dir() else None
    rates = {name: Rates(*ours[name], (theirs or RECORDED)[name]) for name in CONFIGS}
    return Beside(rates, is_measured=theirs is not None)


def measure_ours(channels: list[ChannelState], config: str) -> tuple[int, int, int]:
    """The fields of `Rates` that are ours, in their order."""
    facts = NodeFacts(
        snapshot=make_large_snapshot(channels),
        forwards=[],
        history_since=TAKEN_AT - 60 * FLOW_WINDOW,
        policy=read_charge_lnd(config, {}).document,
        positions=make_positions(channels),
    )
    cycle, inputs = prepare_run(facts)
    taken_s = [
        time_cpu(lambda: decide_fees(cycle, inputs))[0],
        time_cpu(lambda: decide_node(cycle, inputs))[0],
        time_cpu(lambda: decide_node(*prepare_run(facts)))[0],
    ]
    ours, decided, prepared = (round(len(inputs) / each_s) for each_s in taken_s)
    return ours, decided, prepared


def decide_fees(cycle: CycleInput, inputs: list[ChannelInput]) -> list[dict[str, int]]:
    """The compiling of the document included; what is left to a run are guards, sentences and expected effects."""
    choose = compile_rules(cycle.policy.rules, cycle)
    pricers: dict[int, Any] = {}
    changes = []
    for given in inputs:
        site, present = choose(given), given.channel.own_policy
        assert site is not None
        assert present is not None
        pricer = pricers.get(id(site))
        if pricer is None:
            pricer = pricers[id(site)] = prepare_strategy(cycle, inputs, strategy=site.strategy, values=site.values)
        settled = settle_wish(pricer.wish(given), present, channel=given.channel, switches_on=True)
        changes.append(settled.wished)
    return changes


def measure_theirs(channels: list[ChannelState]) -> dict[str, int]:
    world = {"channels": [describe_channel(channel) for channel in channels], "configs": CONFIGS}
    script = Path(__file__).with_name("charge_lnd_process.py")
    ran = subprocess.run(
        [sys.executable, "-I", str(script), str(SOURCE)],
        input=json.dumps(world),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    rates: dict[str, int] = json.loads(ran.stdout)
    return rates


def describe_channel(channel: ChannelState) -> dict[str, Any]:
    """As charge-lnd gets it from LND."""
    assert channel.peer_policy is not None
    return {
        "chan_id": int(channel_id_from_scid(channel.short_channel_id)),
        "remote_pubkey": channel.peer_pubkey,
        "chan_point": channel.channel_point,
        "capacity": channel.capacity_sat,
        "local_balance": channel.local_balance_sat,
        "remote_balance": channel.remote_balance_sat,
        "commit_fee": max(0, channel.capacity_sat - channel.local_balance_sat - channel.remote_balance_sat),
        "initiator": channel.initiator,
        "active": channel.active,
        "private": channel.private,
        "peer_base_fee_msat": channel.peer_policy.base_fee_msat,
        "peer_fee_ppm": channel.peer_policy.fee_rate_ppm,
    }
