"""When a node counts as silent, and when the use of its plan is worth a word. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct

LEAST = dt.timedelta(minutes=15)
PAUSES = 3  # of the usual length: one report may be late, and one lost
NEAR, REACHED = 0.8, 1.0
SLACK = 0.1  # so far below its mark a level ends: use that goes up and down across it is told once


class Alerts(Struct, frozen=True, kw_only=True):
    """What the owner was told and is still so. `silent_since`: the last report before a silence that lasts; `quota`: of
    limits, the share that was told last.
    """

    silent_since: dt.datetime | None = None
    quota: Mapping[str, float] = {}


def find_patience(received_at: Sequence[dt.datetime]) -> dt.timedelta:
    """How long a node may be quiet, by its last reports, the newest first."""
    pauses_s = [(newer - older).total_seconds() for newer, older in pairwise(received_at)]
    return max(LEAST, dt.timedelta(seconds=PAUSES * median(pauses_s))) if pauses_s else LEAST


def find_level(share: float, told: float) -> float:
    """NEAR, REACHED, or 0: which mark is passed now, for somebody who was told `told` last."""
    passed = max((mark for mark in (NEAR, REACHED) if share >= mark), default=0.0)
    return told if passed < told and share >= told - SLACK else passed
