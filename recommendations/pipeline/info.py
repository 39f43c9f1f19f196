"""All about the node of the tenant we are in, in one answer, kept for five minutes or until something changes."""

import base64
import datetime as dt
import hashlib

import msgspec
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import replace

from mcp_saas.kit.gcra import Toll, Verdict
from nodes.engine.day import HistoryDay
from nodes.engine.flow import WEEK, measure_days_observed, total_flows
from nodes.engine.position import PublicNode
from nodes.engine.report import ChannelState
from nodes.engine.types import FlowTotals
from nodes.models.node import OwnNode
from nodes.selectors.channel import list_open_states
from nodes.selectors.forward import load_forwards
from nodes.selectors.history import list_days
from nodes.selectors.node import read_own_node
from nodes.selectors.position import find_public_nodes, newest_load, newest_load_id
from recommendations.engine.info import (
    ChannelInfo,
    NodeInfo,
    NodeMetrics,
    describe_channel,
    describe_own_node,
    measure_node,
)
from recommendations.pipeline.provided import CACHE, AskedOfNode, keep_briefly
from tenants.context import current_tenant
from tenants.sealing.answers import find_or_make_answer, take_answer
from tenants.sealing.tenant import read_revision

KIND = "node_info"
HISTORY_DAYS = 30
_TAG_CHARS = 26  # of an ETag, with its quotes


class InfoText(Struct, frozen=True):
    """The answer as JSON. The tag is of what it tells: not of when it was made, nor of who asked first."""

    body: bytes
    tag: str


def read_info(*, include_historical: bool = False, use_cache: bool = True) -> InfoText:
    """1 what has changed names the answer; 2 one that is kept under this name is it; 3 else it is gathered and kept.

    Not to be called inside a transaction: providers may be asked.
    """
    cached = find_or_make_answer(
        KIND,
        _name_answer(include_historical=include_historical),
        make=lambda: _make(include_historical=include_historical),
        use_cache=use_cache,
    )
    told = _call_uncached(cached.value) if cached.is_away else cached.value
    return _read_text(told, is_hit=cached.is_hit)


def take_info(toll: Toll, *, include_historical: bool = False) -> tuple[InfoText, Verdict] | None:
    """What `read_info` would find fresh, against a toll; None: there is none, or no room (`Cache.take`)."""
    taken = take_answer(KIND, _name_answer(include_historical=include_historical), toll=toll)
    return (_read_text(taken.cached.value, is_hit=True), taken.verdict) if taken else None


def gather_info(*, include_historical: bool = False) -> NodeInfo:
    """From the newest snapshot, the forwards of the week before it, the public graph, and providers asked meanwhile."""
    pubkey = current_tenant().pubkey
    asked = AskedOfNode(pubkey)
    node, load = read_own_node(), newest_load()
    states = list_open_states()
    known = find_public_nodes([pubkey, *(one.peer_pubkey for one in states)], load)
    metrics, channels = _measure(node, states, known=known)
    historical = _list_history(node) if include_historical else None
    views = asked.collect()
    sources = ["snapshot"] * (node.last_seq is not None) + ["graph"] * (pubkey in known) + views.sources
    return NodeInfo(
        pubkey=pubkey,
        node_info=describe_own_node(known.get(pubkey), node.state),
        metrics=metrics,
        channels=channels,
        network_position=known[pubkey].position if pubkey in known else None,
        historical=historical,
        sparkseer=views.sparkseer,
        lnbits=views.lnbits,
        amboss=views.amboss,
        source="+".join(sources) or "none",
        as_of=node.last_taken_at,
        degraded=["graph"] * (load is None) + list(views.degraded),
    )


def _measure(
    node: OwnNode, states: list[ChannelState], *, known: dict[str, PublicNode]
) -> tuple[NodeMetrics, list[ChannelInfo] | None]:
    now = node.last_taken_at
    if now is None:
        return NodeMetrics(total_channels=None, total_capacity=None), None
    forwards = load_forwards(since=now - WEEK, until=now)
    days_observed = measure_days_observed(node.history_since, now)
    flows = total_flows(forwards, now=now, history_since=node.history_since)
    quiet = FlowTotals(days_observed=days_observed)
    ranks = {pubkey: one.position.betweenness_rank for pubkey, one in known.items()}
    channels = [describe_channel(one, flows.get(one.short_channel_id, quiet), ranks=ranks) for one in states]
    return measure_node(states, forwards, now=now, days_observed=days_observed), channels


def _list_history(node: OwnNode) -> list[HistoryDay]:
    """Thirty days that end with the newest snapshot's; none of a box that never reported."""
    if node.last_taken_at is None:
        return []
    last = node.last_taken_at.astimezone(dt.UTC).date()
    return list_days(last - dt.timedelta(days=HISTORY_DAYS - 1), last, history_since=node.history_since)


def _name_answer(*, include_historical: bool) -> tuple[str, int, bool]:
    """Another one as soon as anything has changed."""
    return read_revision(), newest_load_id(), include_historical


def _read_text(told: bytes, *, is_hit: bool) -> InfoText:
    tag, body = told[:_TAG_CHARS], told[_TAG_CHARS:]
    return InfoText(body[:-1] + (b',"cache_hit":true}' if is_hit else b',"cache_hit":false}'), tag.decode())


def _make(*, include_historical: bool) -> bytes:
    info = gather_info(include_historical=include_historical)
    return keep_briefly(_write(info, timezone.now()), info.degraded)


def _call_uncached(told: bytes) -> bytes:
    """The answer, with the cache among what could not be had."""
    info = msgspec.json.decode(told[_TAG_CHARS:], type=NodeInfo)
    return _write(replace(info, degraded=[*info.degraded, CACHE]), timezone.now())


def _write(info: NodeInfo, now: dt.datetime) -> bytes:
    told = msgspec.json.encode(info)
    tag = b'"' + base64.urlsafe_b64encode(hashlib.sha256(told).digest()[:18]) + b'"'
    return tag + told[:-1] + b',"timestamp":' + msgspec.json.encode(now) + b"}"
