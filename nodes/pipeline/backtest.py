"""Backtests a fee policy over what a box has reported. Nothing is stored."""

import datetime as dt
from dataclasses import replace

from nodes.engine.backtest import HORIZON, Backtest, run_backtest
from nodes.engine.document import FeePolicy
from nodes.engine.prepare import find_lookback
from nodes.pipeline.ingest import load_facts
from nodes.selectors.forward import load_forwards

MAX_DAYS = 366


def backtest_policy(document: FeePolicy | None, *, days: int) -> Backtest | None:
    """`document` None: the policy in force. None before the first report of the box."""
    facts = load_facts(document)
    if facts is None:
        return None
    until = facts.snapshot.taken_at
    since = until - dt.timedelta(days=days + 1) - max(HORIZON, find_lookback(facts.policy))
    return run_backtest(replace(facts, forwards=load_forwards(since=since, until=until)), days=days)
