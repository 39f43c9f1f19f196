"""The speed of the engine: decisions a CPU-second, and what a very large node costs from stored bytes on."""

from collections import defaultdict

from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, Rule
from nodes.engine.prepare import FLOW_WINDOW, NodeFacts, prepare_run
from nodes.engine.report import Forward
from nodes.engine.strategies import FlowStrategy
from tenants.sealing.payload import pack, unpack
from tests.factories import TAKEN_AT
from tests.load.beside import measure_beside
from tests.load.node import make_channels, make_forwards, make_large_snapshot, make_positions
from tests.load.report import REPEATS, Report, time_cpu

CHANNELS, FORWARDS = 1_000, 100_000
EXPLAINED = {"proportional": FeePolicy(), "flow": FeePolicy(rules=[Rule(name="default", strategy=FlowStrategy())])}


def measure() -> Report:
    stages, cycle, inputs = measure_stages()
    total = round(sum(stages.values()), 3)
    explained = {name: measure_explained(cycle, inputs, policy=policy) for name, policy in EXPLAINED.items()}
    beside = measure_beside()
    figures = {f"{name}_cpu_s": taken for name, taken in stages.items()}
    return Report(
        f"Fees: one node with {CHANNELS:,} channels and {FORWARDS:,} forwards in seven days, median of {REPEATS}",
        {"channels": CHANNELS, "forwards": FORWARDS, "repeats": REPEATS}
        | {f"{name}_explained_per_cpu_s": speed for name, speed in explained.items()}
        | figures
        | {"total_cpu_s": total, "charge_lnd_measured": beside.is_measured}
        | {f"{name}_per_cpu_s": rates.ours for name, rates in beside.rates.items()}
        | {f"{name}_decided_per_cpu_s": rates.decided for name, rates in beside.rates.items()}
        | {f"{name}_prepared_per_cpu_s": rates.prepared for name, rates in beside.rates.items()}
        | {f"{name}_charge_lnd_per_cpu_s": rates.theirs for name, rates in beside.rates.items()},
        [
            *((f"{name}, explained and guarded", f"{speed:,} channels per CPU-s") for name, speed in explained.items()),
            *((name.replace("_", " "), f"{taken:.3f} CPU-s") for name, taken in stages.items()),
            ("from stored bytes to decisions", f"{total:.3f} CPU-s"),
            *beside.tell(),
        ],
    )


def measure_stages() -> tuple[dict[str, float], CycleInput, list[ChannelInput]]:
    """CPU-seconds of each stage of a cycle, without the database."""
    channels = make_channels(CHANNELS)
    stored = store_by_day(list(make_forwards(FORWARDS, channels)))
    positions = make_positions(channels)
    load_s, forwards = time_cpu(lambda: [forward for day in stored for forward in unpack(day, list[Forward])])
    facts = NodeFacts(
        snapshot=make_large_snapshot(channels),
        forwards=forwards,
        history_since=TAKEN_AT - FLOW_WINDOW,
        positions=positions,
    )
    prepare_s, (cycle, inputs) = time_cpu(lambda: prepare_run(facts))
    decide_s, _ = time_cpu(lambda: decide_node(cycle, inputs))
    return {"load_forwards": load_s, "prepare": prepare_s, "decide": decide_s}, cycle, inputs


def store_by_day(forwards: list[Forward]) -> list[bytes]:
    """As the rows of ForwardDay hold them."""
    days = defaultdict(list)
    for forward in forwards:
        days[forward.settled_at.date()].append(forward)
    return [pack(sorted(days[day], key=lambda forward: forward.settled_at)) for day in sorted(days)]


def measure_explained(cycle: CycleInput, inputs: list[ChannelInput], *, policy: FeePolicy) -> int:
    cycle = replace(cycle, policy=policy)
    taken_s, _ = time_cpu(lambda: decide_node(cycle, inputs))
    return round(len(inputs) / taken_s)
