"""Backtests a fee policy over what a box has reported. Nothing is stored."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from nodes.engine.backtest import HORIZON, Backtest, run_backtest
from nodes.engine.document import FeePolicy
from nodes.engine.prepare import find_lookback
from nodes.engine.report import Forward
from nodes.pipeline.ingest import load_facts
from nodes.selectors.forward import load_forwards

MAX_DAYS = 366


def backtest_policy(
    document: FeePolicy | None, *, days: int, forwards: Sequence[Forward] | None = None
) -> Backtest | None:
    """`document` None: the policy in force. `forwards`: instead of those stored. None before the first report."""
    facts = load_facts(document)
    if facts is None:
        return None
    until = facts.snapshot.taken_at
    if forwards is not None:
        known = [forward for forward in forwards if forward.settled_at < until]
        since = min((forward.settled_at for forward in known), default=None)
        return run_backtest(replace(facts, forwards=known, history_since=since), days=days)
    since = until - dt.timedelta(days=days + 1) - max(HORIZON, find_lookback(facts.policy))
    return run_backtest(replace(facts, forwards=load_forwards(since=since, until=until)), days=days)
