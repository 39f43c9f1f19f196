"""The cloud reads a node itself, where its owner left a credential for it: what a box would have reported."""

import datetime as dt
import json
import random
import time
from typing import Any

import msgspec
import structlog
from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from mcp_saas.kit.http import UnsafeTargetError
from nodes.engine.connection import Connection, Failure, is_news, may_try, note_failure, note_success
from nodes.engine.rebalance import ReportedRebalance
from nodes.engine.report import NodeSnapshot, ReportedForward
from nodes.models.channel import Channel
from nodes.pipeline.connect import open_own_node
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.journal import note
from nodes.pipeline.rebalance import accept_rebalances
from nodes.selectors.credential import has_node_credential
from nodes.selectors.node import lock_own_node, read_own_node
from nodes.sources.driver.driver import Driver, NodeReading
from nodes.sources.driver.errors import Fault, OutsideError, in_one_line
from nodes.sources.driver.opening import add_opening_fees
from nodes.sources.driver.rebalance import walk_rebalances

FRESH = dt.timedelta(minutes=5)  # a box reported so lately that its node is not asked again
FIRST_CURSOR = "0"
MAX_PAGES = 40  # of forwards in one turn; the next turn goes on
READ_WITHIN_S = 45  # the whole reading, well within the time of a cycle's task; what came by then is kept
REBALANCES_EVERY = dt.timedelta(hours=1)
PAGES_WITHIN_S = 15.0  # no further page is asked for after this long: other boxes wait for the worker
UNSAFE = "the address set for it is none we connect to: https, port 443 or 8443, a public host"
_dice = random.SystemRandom()
log = structlog.get_logger(__name__)


class GarbledReadingError(OutsideError):
    """The node's answers are none that the contract of reports allows."""


def pull_node() -> bool:
    """Reads the node of the tenant we are in; whether there is something new.

    1. Nothing is asked without a credential, soon after a report, or while the last failures' pause lasts.
    2. Read the node. 3. Take in its forwards from where ours end, page by page. 4. Take in what it is now, last, for
    the cycle decides by it. 5. Record how it went: a failure is a word on the node, never an error of ours.
    What was taken in before a failure stays; the same again is stored once. Raises SealError.
    """
    node, now = read_own_node(), timezone.now()
    before = node.connection or Connection()
    is_fresh = node.last_taken_at is not None and now - node.last_taken_at < FRESH
    if is_fresh or not may_try(before, now) or not has_node_credential():
        return False
    try:
        driver = open_own_node(within_s=READ_WITHIN_S)
        if driver is None:
            return False
        with driver:
            _read_all(driver, before)
    except (OutsideError, UnsafeTargetError, Problem) as error:
        _record(before, note_failure(before, _describe(error), now=timezone.now(), chance=_dice.random()))
        return False
    _record(before, note_success(timezone.now()))
    return True


def _read_all(driver: Driver, before: Connection) -> None:
    reading = driver.read_node()
    taken_at = timezone.now()
    reading = _complete(driver, reading, asks_again=before.read_at is None or before.read_at.date() < taken_at.date())
    _take_forwards(driver)
    _take_rebalances(driver, taken_at)
    last_seq = read_own_node().last_seq
    seq = max(int(taken_at.timestamp()), 0 if last_seq is None else last_seq + 1)
    accept_snapshot(_decode({"seq": seq, "taken_at": taken_at.isoformat(), **reading}, NodeSnapshot))


def _complete(driver: Driver, reading: NodeReading, *, asks_again: bool) -> NodeReading:
    """With what the openings of our channels cost, as their rows know it; the node is asked for new ones.

    What it did not tell is asked for again by the first reading of a day: the owner may have widened the macaroon.
    """
    states = [channel.state for channel in Channel.objects.filter(closed_at=None)]
    known = {state.channel_point: state.opening_fee_sat for state in states if state.channel_point is not None}
    return add_opening_fees(driver, reading, known=known, asks_again=asks_again)[0]


def _take_forwards(driver: Driver) -> None:
    cursor = read_own_node().forward_cursor or FIRST_CURSOR
    began_s = time.monotonic()
    for _ in range(MAX_PAGES):
        page = driver.read_forwards(cursor)
        if page.events:
            cursor = accept_forwards(_decode(page.events, list[ReportedForward]), page.cursor).cursor
        if not page.more or time.monotonic() - began_s > PAGES_WITHIN_S:
            return


def _take_rebalances(driver: Driver, now: dt.datetime) -> None:
    """Once an hour."""
    node = read_own_node()
    if node.rebalances_until is not None and now - node.rebalances_until < REBALANCES_EVERY:
        return
    began_s = time.monotonic()
    cursor = node.rebalance_cursor or FIRST_CURSOR
    for told in walk_rebalances(driver, cursor, now_s=now.timestamp(), max_pages=MAX_PAGES):
        events = _decode(told.events, list[ReportedRebalance])
        accept_rebalances(events, told.cursor, until=now if told.is_all else None)
        if time.monotonic() - began_s > PAGES_WITHIN_S:
            return


def _decode(reading: object, kind: Any) -> Any:
    """As strictly as what a box posts."""
    try:
        return msgspec.json.decode(json.dumps(reading), type=kind)
    except msgspec.ValidationError as error:
        raise GarbledReadingError(f"the node's answer is not as expected: {error}", fault=Fault.GARBLED) from error


def _describe(error: OutsideError | UnsafeTargetError | Problem) -> Failure:
    if isinstance(error, OutsideError):
        return Failure(
            fault=error.fault, words=str(error), is_permanent=error.permanent, retry_after_s=error.retry_after_s
        )
    if isinstance(error, Problem):
        return Failure(fault=Fault.REFUSED, words=in_one_line(f"its report is not taken: {error.title}"))
    # What a name leads to inside our network is nobody's business.
    return Failure(fault=Fault.SETTING, words=UNSAFE, is_permanent=True)


@transaction.atomic
def _record(before: Connection, after: Connection) -> None:
    node = lock_own_node()
    node.connection = after
    node.save(update_fields=["connection"])
    if after.fault is not None:
        log.info("node_not_read", fault=after.fault, failures=after.failures)
    if is_news(before, after):
        text = f"The node cannot be read: {after.words}" if after.fault else "The node can be read again"
        note("connection", text, fault=after.fault, failures=after.failures)
