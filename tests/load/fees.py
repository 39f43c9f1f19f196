"""The speed of the engine: decisions a CPU-second, and what a very large node costs from stored bytes on."""

import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import TypeVar

from msgspec.structs import replace

from nodes.engine.decision import decide_channel
from nodes.engine.report import Forward
from nodes.engine.types import DecisionInput, FeePolicy, FlowStrategy, ProportionalStrategy
from nodes.models.payload import pack, unpack
from nodes.pipeline.ingest import FLOW_WINDOW, NodeFacts
from nodes.pipeline.preprocess import prepare_channels
from nodes.pipeline.score import score_channels
from tests.factories import TAKEN_AT
from tests.load.node import make_channels, make_forwards, make_large_snapshot, make_positions
from tests.load.report import Report

T = TypeVar("T")
CHANNELS, FORWARDS = 1_000, 100_000
REPEATS = 5
POLICIES = {"proportional": FeePolicy(strategy=ProportionalStrategy()), "flow": FeePolicy(strategy=FlowStrategy())}


def measure() -> Report:
    stages, inputs = measure_stages()
    total = round(sum(stages.values()), 3)
    speeds = {name: measure_speed(inputs, policy) for name, policy in POLICIES.items()}
    figures = {f"{name}_cpu_s": taken for name, taken in stages.items()}
    return Report(
        f"Fees: one node with {CHANNELS:,} channels and {FORWARDS:,} forwards in seven days, median of {REPEATS}",
        {"channels": CHANNELS, "forwards": FORWARDS, "repeats": REPEATS}
        | {f"{name}_decisions_per_cpu_s": speed for name, speed in speeds.items()}
        | figures
        | {"total_cpu_s": total},
        [
            *((f"decide_channel, {name} strategy", f"{speed:,} channels per CPU-s") for name, speed in speeds.items()),
            *((name.replace("_", " "), f"{taken:.3f} CPU-s") for name, taken in stages.items()),
            ("from stored bytes to decisions", f"{total:.3f} CPU-s"),
        ],
    )


def measure_stages() -> tuple[dict[str, float], list[DecisionInput]]:
    """CPU-seconds of each stage of a cycle, without the database."""
    channels = make_channels(CHANNELS)
    stored = store_by_day(list(make_forwards(FORWARDS, channels)))
    positions = make_positions(channels)
    load_s, forwards = time_cpu(lambda: [forward for day in stored for forward in unpack(day, list[Forward])])
    facts = NodeFacts(
        snapshot=make_large_snapshot(channels),
        forwards=forwards,
        history_since=TAKEN_AT - FLOW_WINDOW,
        fee_changed_at={},
        policy=POLICIES["proportional"],
        mode="shadow",
    )
    preprocess_s, prepared = time_cpu(lambda: prepare_channels(facts, positions))
    score_s, inputs = time_cpu(lambda: score_channels(facts, prepared))
    decide_s, _ = time_cpu(lambda: [decide_channel(given) for given in inputs])
    stages = {"load_forwards": load_s, "preprocess": preprocess_s, "score": score_s, "decide": decide_s}
    return stages, inputs


def store_by_day(forwards: list[Forward]) -> list[bytes]:
    """As the rows of ForwardDay hold them."""
    days = defaultdict(list)
    for forward in forwards:
        days[forward.settled_at.date()].append(forward)
    return [pack(sorted(days[day], key=lambda forward: forward.settled_at)) for day in sorted(days)]


def measure_speed(inputs: list[DecisionInput], policy: FeePolicy) -> int:
    given = [replace(one, policy=policy) for one in inputs]
    taken_s, _ = time_cpu(lambda: [decide_channel(one) for one in given])
    return round(len(given) / taken_s)


def time_cpu(work: Callable[[], T]) -> tuple[float, T]:
    """The median CPU-seconds of this process over the repeats, after one that is not counted, and the last result."""
    result = work()
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        result = work()
        taken.append(time.process_time() - started)
    return round(median(taken), 4), result
