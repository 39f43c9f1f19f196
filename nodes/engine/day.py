"""What a node was and did on one day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from msgspec import Struct

from nodes.engine.report import Forward, NodeSnapshot


class HistoryDay(Struct, frozen=True, kw_only=True):
    """One UTC day. Of the node: as its last snapshot of the day showed it, null without one. Of forwards: those settled
    on it, null where not all of them are known.
    """

    day: dt.date
    channels: int | None
    capacity_sat: int | None
    local_balance_sat: int | None
    remote_balance_sat: int | None
    forwards: int | None
    forwarded_msat: int | None
    revenue_msat: int | None


def describe_day(day: dt.date, snapshot: NodeSnapshot | None, *, forwards: Iterable[Forward] | None) -> HistoryDay:
    channels = snapshot.channels if snapshot else None
    settled = None if forwards is None else [one for one in forwards if one.status == "settled"]
    return HistoryDay(
        day=day,
        channels=None if channels is None else len(channels),
        capacity_sat=None if channels is None else sum(one.capacity_sat for one in channels),
        local_balance_sat=None if channels is None else sum(one.local_balance_sat for one in channels),
        remote_balance_sat=None if channels is None else sum(one.remote_balance_sat for one in channels),
        forwards=None if settled is None else len(settled),
        forwarded_msat=None if settled is None else sum(one.out_msat for one in settled),
        revenue_msat=None if settled is None else sum(one.fee_msat for one in settled),
    )
