"""Times charge-lnd's own decisions over channels given as JSON, in a process that imports nothing of ours.

`python charge_lnd_process.py SOURCE < world.json` prints channels a CPU-second for each configuration. What charge-lnd
would ask LND for is answered from memory, so only its deciding is measured; gRPC and colours are left out.
"""

import json
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Optional

REPEATS = 5


def load_program(source: Path) -> Any:
    """Its rules, with modules that only speak to servers or colour text replaced by empty ones."""
    sys.path.insert(0, str(source))
    for name, fields in (
        ("grpc", {}),
        ("termcolor", {"colored": lambda text, *_, **__: text}),
        ("charge_lnd.circuitbreaker", {"CircuitbreakerParams": SimpleNamespace}),
    ):
        module = ModuleType(name)
        vars(module).update(fields)
        sys.modules[name] = module
    from charge_lnd.config import Config
    from charge_lnd.policy import Policies

    text = (source / "charge_lnd" / "lnd.py").read_text(encoding="utf-8")
    metrics: dict[str, Any] = {"dataclass": dataclass, "Optional": Optional, "SimpleNamespace": SimpleNamespace}
    start = re.search(r"^(@dataclass|class ChannelMetrics)", text, flags=re.MULTILINE)
    assert start is not None
    exec(text[start.start() : text.index("class Lnd:")], metrics)  # noqa: S102 - its own measuring of balances
    return SimpleNamespace(Config=Config, Policies=Policies, metrics=metrics)


class Memory:
    """Stands for its connection to LND, as after the first answer to each question."""

    def __init__(self, program: Any, channels: list[dict[str, Any]]) -> None:
        self.program = program
        self.channels = [SimpleNamespace(**channel, pending_htlcs=[]) for channel in channels]
        self.measured: dict[int, Any] = {}
        self.by_id = {channel.chan_id: channel for channel in self.channels}
        self.known = {channel.chan_id: self.describe(channel) for channel in self.channels}
        self.node = SimpleNamespace(num_channels=30, total_capacity=60_000_000)
        self.info = SimpleNamespace(block_height=920_000)

    def describe(self, channel: Any) -> Any:
        peer = SimpleNamespace(
            fee_base_msat=channel.peer_base_fee_msat,
            fee_rate_milli_msat=channel.peer_fee_ppm,
            inbound_fee_base_msat=0,
            inbound_fee_rate_milli_msat=0,
            disabled=False,
        )
        return SimpleNamespace(
            node1_pub="own",
            node2_pub=channel.remote_pubkey,
            node1_policy=peer,
            node2_policy=peer,
            chan_point=channel.chan_point,
            capacity=channel.capacity,
        )

    def get_chan_metrics(self, chan_id: int) -> Any:
        if chan_id not in self.measured:
            self.measured[chan_id] = self.program.metrics["channel_metrics"](self.by_id[chan_id])
        return self.measured[chan_id]

    def get_chan_info(self, chan_id: int) -> Any:
        return self.known[chan_id]

    def get_node_info(self, pubkey: str) -> Any:
        return self.node

    def get_info(self) -> Any:
        return self.info

    def get_own_pubkey(self) -> str:
        return "own"

    def get_synced_to_chain(self) -> bool:
        return True

    def get_fee_estimate(self, blocks: int) -> float:
        return 10.0

    def get_txns(self, start_height: int, end_height: int) -> Any:
        return SimpleNamespace(transactions=[])

    def min_version(self, *version: int) -> bool:
        return True


def measure(program: Any, config: Path, channels: list[dict[str, Any]]) -> int:
    taken = []
    for _ in range(1 + REPEATS):
        memory = Memory(program, channels)
        policies = program.Policies(memory, program.Config(str(config)))
        started = time.process_time()
        for channel in memory.channels:
            policy = policies.get_policy_for(channel)
            if policy is not None:
                policy.strategy.execute(channel)
        taken.append(time.process_time() - started)
    return round(len(channels) / statistics.median(taken[1:]))


def main() -> None:
    program = load_program(Path(sys.argv[1]))
    world = json.load(sys.stdin)
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in world["configs"].items():
            config = Path(folder) / f"{name}.config"
            config.write_text(text, encoding="utf-8")
            rates[name] = measure(program, config, world["channels"])
    json.dump(rates, sys.stdout)


if __name__ == "__main__":
    main()
