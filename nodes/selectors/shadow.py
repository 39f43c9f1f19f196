"""What the engine would have written to the node of the tenant we are in, beside what was there."""

import datetime as dt
from collections import Counter

from msgspec import Struct

from nodes.engine.document import FeePolicy
from nodes.engine.release.shadow import Shadow, ShadowChannel, sum_effects
from nodes.engine.report import Instant
from nodes.engine.types import Effect
from nodes.engine.version import ENGINE_VERSION
from nodes.models.decision import CycleRun, Decision
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node

DAY_S = 86_400


class ShadowReport(Struct, frozen=True, kw_only=True):
    """The runs of a period decided again, each on what it would have written before. `since` is null: no data."""

    since: Instant | None
    until: Instant | None
    runs: int
    left_out_runs: int  # of other versions of the engine, or older than could be looked at
    policy: str  # the document they were decided by
    writes: int
    writes_per_channel_and_day: float | None  # null: less than a day
    remark: str | None  # where the period is too short for a figure a day
    income_msat: int | None  # what the channels really earned; null: forwards are not known for all of the period
    effect: Effect | None  # sat a day; null: no data
    owner_changes: int
    agreed: int  # the engine wanted the same direction
    opposed: int
    channels: list[ShadowChannel]


def report_shadow(
    *, days: int, now: dt.datetime, policy: FeePolicy | None = None, most_decisions: int | None = None
) -> ShadowReport:
    """Of the last `days`. `policy`: by this document and not by each run's own. `most_decisions`: the newest runs that
    together have no more of them. Raises ShadowError where the document asks for what the runs do not hold.
    """
    rows = CycleRun.objects.filter(started_at__gt=now - dt.timedelta(days=days)).order_by("-finished_at")
    found = list(rows.values_list("id", "engine_version"))
    ids = [run_id for run_id, version in found if version == ENGINE_VERSION]
    if most_decisions is not None and ids:
        size = max(1, Decision.objects.filter(run_id=ids[0]).count())
        ids = ids[: max(1, most_decisions // size)]
    shadow, moments = Shadow(policy), []
    for run_id in reversed(ids):
        run = CycleRun.objects.get(id=run_id)
        shadow.feed(run.context, [row.inputs for row in Decision.objects.filter(run=run).order_by("id")])
        moments.append(run.context.now)
    since, until = (moments[0], moments[-1]) if moments else (None, None)
    return _summarise(shadow, since=since, until=until, left_out=len(found) - len(ids))


def _summarise(shadow: Shadow, *, since: dt.datetime | None, until: dt.datetime | None, left_out: int) -> ShadowReport:
    incomes = _read_incomes(since, until)
    channels = shadow.list_channels(incomes)
    writes = sum(channel.writes for channel in channels)
    span_s = (until - since).total_seconds() if since and until else 0
    return ShadowReport(
        since=since,
        until=until,
        runs=shadow.runs,
        left_out_runs=left_out,
        policy="each run's own" if shadow.policy is None else "another document",
        writes=writes,
        writes_per_channel_and_day=_count_by_day(writes, span_s=span_s, channels=len(channels)),
        remark=_remark_short(span_s) if since else None,
        income_msat=None if incomes is None else sum(channel.income_msat or 0 for channel in channels),
        effect=sum_effects(channels),
        owner_changes=sum(channel.owner_changes for channel in channels),
        agreed=sum(channel.agreed for channel in channels),
        opposed=sum(channel.opposed for channel in channels),
        channels=channels,
    )


def _count_by_day(writes: int, *, span_s: float, channels: int) -> float | None:
    """Of some hours no day is made up: the first run of all writes more than those after it."""
    return round(writes / channels * DAY_S / span_s, 3) if span_s >= DAY_S and channels else None


def _remark_short(span_s: float) -> str | None:
    if span_s >= DAY_S:
        return None
    minutes = round(span_s / 60)
    span = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"the runs span {span}: too short for figures a day, which need 24 hours"


def _read_incomes(since: dt.datetime | None, until: dt.datetime | None) -> dict[str, int] | None:
    known_since = read_own_node().history_since
    if since is None or until is None or known_since is None or known_since > since:
        return None
    incomes: Counter[str] = Counter()
    for forward in load_forwards(since=since, until=until):
        if forward.status == "settled":
            incomes[forward.outgoing_scid] += forward.fee_msat
    return dict(incomes)
