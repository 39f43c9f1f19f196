"""The folder in which the processes of one machine keep what they count: prometheus-client's multiprocess mode.

Each process writes files of its own, named by its id; whoever is asked adds them up. Counts outlive their process: a
counter that forgot would run backwards. So what a dead process counted is put together into one file of the dead, and
its gauges go. One folder is for one instance on one machine: process ids must mean the same to all who use it.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from mcp_saas.kit.metrics import REGISTRY

TEXT = CONTENT_TYPE_PLAIN_0_0_4
_SUMS = ("counter", "histogram")  # files whose values add up
_SINCE = "since"  # a file as old as the counts
_STARTED_AT = dt.datetime.now(dt.UTC)
_DEAD = "dead"  # in the place of a process id


def clean_folder(folder: Path) -> Path:
    """For a new start, before any of its processes: made for us alone, and empty."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        path.unlink()
    (folder / _SINCE).touch()
    return folder


def read_start(folder: Path | None) -> dt.datetime | None:
    """Since when `collect` counts; None: the folder was not cleaned by us."""
    if folder is None:
        return _STARTED_AT
    try:
        return dt.datetime.fromtimestamp((folder / _SINCE).stat().st_mtime, dt.UTC)
    except OSError:
        return None


def collect(folder: Path | None) -> list[Metric]:
    """Of all processes that use the folder, living or not; without one, of this process."""
    if folder is None:
        return list(REGISTRY.collect())
    with _locked(folder):
        _bury_dead(folder)
        files = [str(path) for path in folder.glob("*.db") if path.stat().st_size]  # empty: its process just began
        return list(MultiProcessCollector.merge(files))


class Given(Collector):
    """Metrics as a registry has them."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def write_text(metrics: Iterable[Metric]) -> bytes:
    """As Prometheus reads them; `TEXT` is the media type."""
    registry = CollectorRegistry()
    registry.register(Given(metrics))
    return generate_latest(registry)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One reader at a time, so that nobody counts what is being moved."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bury_dead(folder: Path) -> None:
    files = [path for path in folder.glob("*_*.db") if path.stat().st_size and _is_dead(path.stem.rpartition("_")[2])]
    for kind in _SUMS:
        _add_up(folder / f"{kind}_{_DEAD}.db", [path for path in files if path.name.startswith(f"{kind}_")])
    for path in files:
        if path.name.startswith("gauge_live"):
            path.unlink(missing_ok=True)


def _add_up(kept: Path, files: list[Path]) -> None:
    """Into a copy, which takes the place of the old one last: killed in between, counts are lost and never doubled."""
    if not files:
        return
    sources = [*files, *([kept] if kept.exists() else [])]
    sums: dict[str, float] = {}
    for path in sources:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
            sums[key] = sums.get(key, 0.0) + value
    draft = kept.with_suffix(".new")
    draft.unlink(missing_ok=True)
    written = MmapedDict(str(draft))
    for key, value in sums.items():
        written.write_value(key, value, 0.0)
    written.close()
    for path in files:
        path.unlink()
    draft.replace(kept)


def _is_dead(owner: str) -> bool:
    if not owner.isdecimal():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
