"""Backup and restore of one busy tenant among many, by COPY in one transaction."""

import tempfile
import time
from pathlib import Path
from statistics import median

from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from tenants.context import enter_tenant
from tenants.provisioning.backup import backup_tenant, restore_tenant
from tests.factories import Box, make_box
from tests.load.node import make_channels, make_forwards, make_large_snapshot
from tests.load.report import Report

NEIGHBOURS, CHANNELS, FORWARDS, CYCLES = 100, 300, 50_000, 5
REPEATS = 5
TARGET_S = 60.0


def measure() -> Report:
    for number in range(NEIGHBOURS):
        make_box(f"neighbour {number}")
    box = fill(make_box("busy"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "backup.tar"
        times = [(time_backup(box, file), time_restore(file)) for _ in range(REPEATS)]
        size_mb = round(file.stat().st_size / 1e6, 2)
    backup_s, restore_s = (round(median(taken), 3) for taken in zip(*times, strict=True))
    return Report(
        f"Backup of one tenant: {CHANNELS} channels, {FORWARDS:,} forwards, beside {NEIGHBOURS} others",
        {
            "channels": CHANNELS,
            "forwards": FORWARDS,
            "cycles": CYCLES,
            "neighbours": NEIGHBOURS,
            "file_mb": size_mb,
            "backup_s": backup_s,
            "restore_s": restore_s,
            "target_restore_s": TARGET_S,
        },
        [
            (f"backup_tenant, {size_mb:.1f} MB, median of {REPEATS}", f"{backup_s * 1000:.0f} ms"),
            (f"restore_tenant (target: {TARGET_S:.0f} s)", f"{restore_s * 1000:.0f} ms"),
        ],
    )


def fill(box: Box) -> Box:
    channels = make_channels(CHANNELS)
    with enter_tenant(box.tenant):
        accept_forwards(list(make_forwards(FORWARDS, channels)), "end")
        accept_snapshot(make_large_snapshot(channels))
        for _ in range(CYCLES):
            run_cycle()
    return box


def time_backup(box: Box, file: Path) -> float:
    started = time.perf_counter()
    backup_tenant(box.pubkey, file)
    return time.perf_counter() - started


def time_restore(file: Path) -> float:
    started = time.perf_counter()
    restore_tenant(file)
    return time.perf_counter() - started
