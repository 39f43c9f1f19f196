"""What loading the public graph costs: time, and the most memory its process ever held.

The file is the one GRAPH names, else a made-up network of mainnet's size.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from nodes.graph.models import GraphLoad
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.writer import write_graph
from tests.committed import ROOT, child_environment
from tests.load.report import Report

LIMIT_MB = 256
# The peak of this process alone; what its parent held when it forked does not count.
LOAD_AND_REPORT = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "load_graph", sys.argv[1]])
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def measure() -> Report:
    with TemporaryDirectory() as folder:
        given = os.environ.get("GRAPH")  # noqa: TID251 - of this benchmark alone
        path = Path(given) if given else make_graph(Path(folder) / "graph.json")
        started = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, "-c", LOAD_AND_REPORT, str(path)],
            cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        taken_s = time.perf_counter() - started
    peak_mb, load = int(ran.stdout.split()[-1]) / 1024, GraphLoad.objects.latest()
    return Report(
        f"The graph of {load.node_count:,} nodes and {load.channel_count:,} channels, loaded",
        {
            "nodes": load.node_count,
            "channels": load.channel_count,
            "load_s": round(taken_s, 1),
            "peak_mb": round(peak_mb),
            "limit_mb": LIMIT_MB,
        },
        [
            ("reading, exact betweenness and closeness of all nodes, distances, rows", f"{taken_s:.1f} s"),
            (f"the most memory its process held (limit {LIMIT_MB} MB)", f"{peak_mb:.0f} MB"),
        ],
    )


def make_graph(path: Path) -> Path:
    write_graph(generate_network(seed=7, now_s=1_760_000_000), path)
    return path
