"""Whole cycles, with the database: two worker processes take five hundred boxes from their report to the journal.

A turn of a box is what happens to it in production: a page of forwards and a snapshot are taken in, then its cycle
runs. One box in two is a canary, so stop rules, groups and actions are in it.
"""

import datetime as dt
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from django.db import connection
from msgspec.structs import replace

from nodes.engine.report import ChannelState
from nodes.graph.models import GraphLoad, GraphNode
from nodes.models.decision import Decision
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.release import ReleaseChange, change_release
from tenants.context import enter_tenant
from tests.factories import TAKEN_AT, Box, make_box, make_forward, make_snapshot
from tests.load.node import NODE_COUNT, make_channels, make_forwards, make_large_snapshot, make_positions
from tests.load.report import Report

TENANTS, CHANNELS, FORWARDS, FRESH_FORWARDS = 500, 30, 500, 20
ROUNDS, WORKERS = 3, 2
TARGET_S = 60.0
_boxes: list[Box] = []  # what the workers inherit: a box holds a key that cannot be sent


def measure() -> Report:
    _boxes[:] = [fill(make_box(f"bench {number}"), is_canary=number % 2 == 0) for number in range(TENANTS)]
    load_graph()
    connection.close()
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(WORKERS, mp_context=fork) as pool:
        rounds = [run_round(pool, number) for number in range(1 + ROUNDS)]
    assert count_decisions() == TENANTS * CHANNELS * (1 + ROUNDS)
    walls, cpus = ([round(taken, 2) for taken in column] for column in zip(*rounds[1:], strict=True))
    wall_s, cpu_s = median(walls), median(cpus)
    return Report(
        f"Cycles: {TENANTS} tenants with {CHANNELS} channels and {FORWARDS} forwards each, report and cycle, "
        f"{WORKERS} workers, median of {ROUNDS} rounds",
        {
            "tenants": TENANTS,
            "channels_each": CHANNELS,
            "forwards_each": FORWARDS,
            "workers": WORKERS,
            "target_s": TARGET_S,
            "round_s": wall_s,
            "rounds_s": walls,
            "round_workers_cpu_s": cpu_s,
            "turn_cpu_ms": round(cpu_s / TENANTS * 1000, 1),
        },
        [
            (f"{TENANTS} reports and cycles (target: {TARGET_S:.0f} s)", f"{wall_s:.1f} s"),
            ("of it CPU of the workers", f"{cpu_s:.1f} s"),
            ("CPU of one report and cycle", f"{cpu_s / TENANTS * 1000:.1f} ms"),
            ("first and last round", f"{walls[0]:.1f} s, {walls[-1]:.1f} s"),
        ],
    )


def fill(box: Box, *, is_canary: bool) -> Box:
    channels = make_channels(CHANNELS)
    with enter_tenant(box.tenant):
        accept_forwards(list(make_forwards(FORWARDS, channels)), "end")
        accept_snapshot(make_large_snapshot(channels))
        if is_canary:
            change_release(ReleaseChange(mode="canary"), actor="bench")
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


def run_round(pool: ProcessPoolExecutor, number: int) -> tuple[float, float]:
    """Wall seconds, and CPU seconds of the workers, for one turn of every box."""
    started = time.perf_counter()
    cpu_s = sum(pool.map(take_turns, [number] * WORKERS, range(WORKERS)))
    return time.perf_counter() - started, cpu_s


def take_turns(number: int, worker: int) -> float:
    started = time.process_time()
    for box in _boxes[worker::WORKERS]:
        with enter_tenant(box.tenant):
            report_anew(number)
            run_cycle()
    return time.process_time() - started


def report_anew(number: int) -> None:
    """Ten minutes later: some payments, and balances that moved."""
    channels, at = make_channels(CHANNELS), TAKEN_AT + dt.timedelta(minutes=10 * (number + 1))
    first = FORWARDS + number * FRESH_FORWARDS
    fresh = [
        make_forward(one, settled_at=at - dt.timedelta(seconds=30)) for one in range(first, first + FRESH_FORWARDS)
    ]
    accept_forwards(fresh, "end")
    moved = [move_balance(channel, random.Random(f"{number} {channel.short_channel_id}")) for channel in channels]  # noqa: S311 - seeded on purpose
    accept_snapshot(make_snapshot(2 + number, moved, taken_at=at))


def move_balance(channel: ChannelState, rng: random.Random) -> ChannelState:
    total_sat = channel.local_balance_sat + channel.remote_balance_sat
    local_sat = min(total_sat, int(channel.local_balance_sat * rng.uniform(0.7, 1.3)))
    return replace(channel, local_balance_sat=local_sat, remote_balance_sat=total_sat - local_sat)


def count_decisions() -> int:
    counts = []
    for box in _boxes:
        with enter_tenant(box.tenant):
            counts.append(Decision.objects.count())
    return sum(counts)
