"""A graph file of 100 MB is read within 256 MB: the whole process, measured from outside its own allocator."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.sources.describegraph.child import ENVIRONMENT, REFUSED

ROOT = Path(__file__).resolve().parents[2]
FILE_MB, PEAK_MB = 100, 256
NODES, CHANNELS = 18_000, 60_000

# Peak of this process alone: getrusage also counts what the parent held when it forked, so it is the second choice.
READ_AND_REPORT = """
import resource, sys
from pathlib import Path
from nodes.sources.describegraph.reader import read_graph
graph = read_graph(Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
if sys.platform == "linux":
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(graph.channels), peak)
"""

# The process that does it in production: it bounds itself, and reports what it held to whoever looks.
WORK_OUT_AND_REPORT = """
import sys
from nodes.sources.describegraph.__main__ import main
status = main(*sys.argv[1:3])
print(status, next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

SMALLER = f"""
import nodes.sources.describegraph.child as child
child.MEMORY_BYTES = {90 << 20}
"""

NODE = """        {{
            "last_update": {at},
            "pub_key": "{pubkey}",
            "alias": "{alias}",
            "addresses": [
                {{
                    "network": "tcp",
                    "addr": "{alias}{alias}.onion:9735"
                }}
            ],
            "color": "#3399ff",
            "features": {{
{features}
            }},
            "custom_records": {{}}
        }}"""
FEATURE = """                "{bit}": {{
                    "name": "a-feature-name-{bit}",
                    "is_required": false,
                    "is_known": true
                }}"""
FEATURES = ",\n".join(FEATURE.format(bit=bit) for bit in (1, 5, 7, 9, 12, 14, 17, 23, 27, 31, 45, 51))
POLICY = """{{
                "time_lock_delta": 80,
                "min_htlc": "1000",
                "fee_base_msat": "1000",
                "fee_rate_milli_msat": "{ppm}",
                "disabled": false,
                "max_htlc_msat": "{max_htlc}",
                "last_update": {at},
                "custom_records": {{}},
                "inbound_fee_base_msat": 0,
                "inbound_fee_rate_milli_msat": 0
            }}"""
CHANNEL = f"""        {{{{
            "channel_id": "{{channel_id}}",
            "chan_point": "{{txid}}:1",
            "last_update": {{at}},
            "node1_pub": "{{node1}}",
            "node2_pub": "{{node2}}",
            "capacity": "{{capacity}}",
            "node1_policy": {POLICY},
            "node2_policy": {POLICY},
            "custom_records": {{{{}}}}
        }}}}"""


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As lncli prints it: four spaces of indent, features and addresses of every node, every key and id different."""
    path = tmp_path_factory.mktemp("graph") / "large.json"
    digests = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(CHANNELS)]
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n    "nodes": [\n')
        file.write(
            ",\n".join(
                NODE.format(at=1_726_000_000 + index, pubkey=f"02{digest}", alias=digest[:20], features=FEATURES)
                for index, digest in enumerate(digests[:NODES])
            )
        )
        file.write('\n    ],\n    "edges": [\n')
        file.write(
            ",\n".join(
                CHANNEL.format(
                    channel_id=(850_000 << 40) + index,
                    txid=digest,
                    at=1_726_000_000 + index,
                    node1=f"02{digests[index % NODES]}",
                    node2=f"02{digests[(index * 7 + 1) % NODES]}",
                    capacity=1_000_000 + index,
                    ppm=index % 5_000,
                    max_htlc=990_000_000 + index,
                )
                for index, digest in enumerate(digests)
            )
        )
        file.write("\n    ]\n}\n")
    return path


def test_a_100_mb_file_is_read_within_256_mb(large_file: Path) -> None:
    assert large_file.stat().st_size > FILE_MB * 1_000_000

    done = run(READ_AND_REPORT, large_file)

    assert done.returncode == 0, done.stderr
    channels, peak_kb = map(int, done.stdout.split())
    assert channels == CHANNELS
    assert peak_kb < PEAK_MB * 1024


def test_the_process_that_works_it_out_holds_less_than_256_mb(large_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "digest"

    status, peak_kb = work_out(large_file, out)

    assert (status, out.exists()) == (0, True)
    assert peak_kb < PEAK_MB * 1024


def test_a_file_that_would_need_more_is_refused_in_plain_words(large_file: Path, tmp_path: Path) -> None:
    done = run(SMALLER + WORK_OUT_AND_REPORT, large_file, tmp_path / "digest")

    assert done.stdout.split()[0] == str(REFUSED), done.stderr
    assert "within 256 MB" in done.stderr


def work_out(file: Path, out: Path) -> tuple[int, int]:
    """Status and peak in kB of the process that works a graph out."""
    done = run(WORK_OUT_AND_REPORT, file, out)
    assert done.returncode == 0, done.stderr
    status, peak_kb = map(int, done.stdout.split())
    return status, peak_kb


def run(program: str, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, files)]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
