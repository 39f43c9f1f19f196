"""Whole cycles, with the database: one worker process takes fifty boxes through the pipeline, one after the other."""

import time
from statistics import median

from nodes.graph.models import GraphLoad, GraphNode
from nodes.models.decision import Decision
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from tenants.context import enter_tenant
from tests.factories import Box, make_box
from tests.load.node import NODE_COUNT, make_channels, make_forwards, make_large_snapshot, make_positions
from tests.load.report import Report

TENANTS, CHANNELS, FORWARDS = 50, 30, 500
ROUNDS = 3


def measure() -> Report:
    boxes = [fill(make_box(f"bench {number}")) for number in range(TENANTS)]
    load_graph()
    rounds = [run_round(boxes) for _ in range(1 + ROUNDS)][1:]
    assert count_decisions(boxes) == TENANTS * CHANNELS * (1 + ROUNDS)
    wall_s, cpu_s = (round(median(taken), 3) for taken in zip(*rounds, strict=True))
    return Report(
        f"Cycles: {TENANTS} tenants with {CHANNELS} channels and {FORWARDS} forwards each, median of {ROUNDS} rounds",
        {
            "tenants": TENANTS,
            "channels_each": CHANNELS,
            "forwards_each": FORWARDS,
            "round_s": wall_s,
            "round_worker_cpu_s": cpu_s,
            "cycle_ms": round(wall_s / TENANTS * 1000, 1),
        },
        [
            (f"{TENANTS} cycles in one worker", f"{wall_s:.2f} s"),
            ("of it CPU of the worker", f"{cpu_s:.2f} s"),
            ("one cycle", f"{wall_s / TENANTS * 1000:.1f} ms"),
        ],
    )


def fill(box: Box) -> Box:
    channels = make_channels(CHANNELS)
    with enter_tenant(box.tenant):
        accept_forwards(list(make_forwards(FORWARDS, channels)), "end")
        accept_snapshot(make_large_snapshot(channels))
    return box


def load_graph() -> None:
    positions = make_positions(make_channels(CHANNELS))
    GraphLoad.objects.create(sha256="0" * 64, node_count=NODE_COUNT, channel_count=0)
    GraphNode.objects.bulk_create(
        GraphNode(
            pubkey=bytes.fromhex(pubkey),
            channel_count=position.channel_count,
            capacity_sat=position.capacity_sat,
            betweenness=position.betweenness,
            betweenness_rank=position.betweenness_rank,
            market_fee_rate_ppm=position.market_fee_rate_ppm,
        )
        for pubkey, position in positions.items()
    )


def run_round(boxes: list[Box]) -> tuple[float, float]:
    """Wall and CPU seconds for one cycle of every box."""
    started, cpu_started = time.perf_counter(), time.process_time()
    for box in boxes:
        with enter_tenant(box.tenant):
            run_cycle()
    return time.perf_counter() - started, time.process_time() - cpu_started


def count_decisions(boxes: list[Box]) -> int:
    counts = []
    for box in boxes:
        with enter_tenant(box.tenant):
            counts.append(Decision.objects.count())
    return sum(counts)
