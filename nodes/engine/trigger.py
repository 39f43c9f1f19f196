"""What happened between two reports that is worth a cycle before its turn.

A channel that ran dry or full, a peer gone or back, a new channel, a surge of failed forwards, another price of
on-chain fees. Each speaks once: it has to come back well past its threshold before it speaks again (hysteresis), and
the same subject stays quiet for a while after it spoke (debouncing).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.report import ChannelState, Forward, Instant, NodeSnapshot

TriggerKind = Literal[
    "channel-depleted", "channel-full", "peer-gone", "peer-back", "channel-new", "forwards-failing", "on-chain-fees"
]
REST = dt.timedelta(hours=1)  # of one trigger with one subject
DEPLETED_BELOW, DEPLETED_UNTIL = 0.10, 0.20  # our share of the capacity: speaks below, is armed again from
FULL_ABOVE, FULL_UNTIL = 0.90, 0.80
FEE_TARGET_BLOCKS = 6
FEE_FACTOR = 1.5  # of the price it last spoke at, up or down ...
FEE_STEP_SAT_PER_VBYTE = 2.0  # ... and this far from it
SURGE_WINDOW = dt.timedelta(hours=1)
SURGE_HISTORY = dt.timedelta(hours=24)
SURGE_FEWEST = 20
SURGE_FACTOR = 3  # times as many as in a mean hour of the day before


class Trigger(Struct, frozen=True):
    """`subject`: a short channel id, a pubkey, or nothing; `text` a sentence for the owner."""

    kind: TriggerKind
    subject: str
    text: str


class Watch(Struct, frozen=True, kw_only=True):
    """What is remembered between reports: who spoke, when, and which triggers wait for the next cycle."""

    depleted: list[str] = []  # short channel ids
    full: list[str] = []
    away: list[str] = []  # pubkeys
    channels: list[str] | None = None  # short channel ids; None: nothing was seen yet, so nothing is new
    fee_sat_per_vbyte: float | None = None
    spoke_at: dict[str, Instant] = {}  # by kind and subject, those that rest
    waiting: list[Trigger] = []


def watch_snapshot(watch: Watch, snapshot: NodeSnapshot) -> tuple[Watch, list[Trigger]]:
    """What is remembered now, and what speaks. The first snapshot only fills the memory."""
    ratios = {one.short_channel_id: one.local_balance_sat / one.capacity_sat for one in snapshot.channels}
    price = find_price(snapshot.node.read_onchain_fees())
    dry, full = set(watch.depleted), set(watch.full)  # who spoke has further to go back
    after = Watch(
        depleted=[one for one, ratio in ratios.items() if ratio < (DEPLETED_UNTIL if one in dry else DEPLETED_BELOW)],
        full=[one for one, ratio in ratios.items() if ratio > (FULL_UNTIL if one in full else FULL_ABOVE)],
        away=_find_away(snapshot.channels),
        channels=list(ratios),
        fee_sat_per_vbyte=price if _has_jumped(watch.fee_sat_per_vbyte, price) else watch.fee_sat_per_vbyte,
        spoke_at=watch.spoke_at,
        waiting=watch.waiting,
    )
    present = {channel.peer_pubkey for channel in snapshot.channels}
    found = list(_compare(watch, after, present=present)) if watch.channels is not None else []
    return let_speak(after, found, now=snapshot.taken_at)


def watch_forwards(watch: Watch, forwards: Sequence[Forward], *, now: dt.datetime) -> tuple[Watch, list[Trigger]]:
    """`forwards`: those of the 24 hours before `now`, the new ones included.

    A surge is many failed ones within the hour: 20 at least, and three times as many as in a mean hour before it.
    """
    failed_at = [forward.settled_at for forward in forwards if forward.status != "settled"]
    recent = sum(at > now - SURGE_WINDOW for at in failed_at)
    hours_before = (SURGE_HISTORY - SURGE_WINDOW) / SURGE_WINDOW
    usual = sum(now - SURGE_HISTORY < at <= now - SURGE_WINDOW for at in failed_at) / hours_before
    if recent < SURGE_FEWEST or recent < SURGE_FACTOR * usual:
        return watch, []
    text = f"{recent} forwards failed within an hour, {usual:.1f} in a mean hour of the day before"
    return let_speak(watch, [Trigger("forwards-failing", "", text)], now=now)


def let_speak(watch: Watch, found: Sequence[Trigger], *, now: dt.datetime) -> tuple[Watch, list[Trigger]]:
    """Those that do not rest: they wait for the next cycle."""
    spoke_at = {key: at for key, at in watch.spoke_at.items() if now - at < REST}
    speaking = [trigger for trigger in found if _key(trigger) not in spoke_at]
    spoke_at |= {_key(trigger): now for trigger in speaking}
    return replace(watch, spoke_at=spoke_at, waiting=[*watch.waiting, *speaking]), speaking


def find_price(estimates: Mapping[int, float]) -> float | None:
    """Of the target nearest to six blocks, the faster of two; None: the node reports no estimates."""
    if not estimates:
        return None
    return estimates[min(estimates, key=lambda target: (abs(target - FEE_TARGET_BLOCKS), target))]


def _compare(before: Watch, after: Watch, *, present: set[str]) -> Iterator[Trigger]:
    for scid in _added(before.depleted, after.depleted):
        yield Trigger("channel-depleted", scid, f"Channel {scid} has run dry")
    for scid in _added(before.full, after.full):
        yield Trigger("channel-full", scid, f"Channel {scid} is full on our side")
    for scid in _added(before.channels or [], after.channels or []):
        yield Trigger("channel-new", scid, f"Channel {scid} is new")
    for peer in _added(before.away, after.away):
        yield Trigger("peer-gone", peer, f"Peer {peer[:16]} is gone")
    for peer in _added(after.away, before.away):
        if peer in present:
            yield Trigger("peer-back", peer, f"Peer {peer[:16]} is back")
    old, new = before.fee_sat_per_vbyte, after.fee_sat_per_vbyte
    if old is not None and new is not None and new != old:
        yield Trigger("on-chain-fees", "", f"On-chain fees went from {old:g} to {new:g} sat/vB")


def _find_away(channels: Sequence[ChannelState]) -> list[str]:
    """Peers with no active channel."""
    active = {channel.peer_pubkey for channel in channels if channel.active}
    return sorted({channel.peer_pubkey for channel in channels} - active)


def _has_jumped(known: float | None, price: float | None) -> bool:
    if price is None or known is None:
        return price is not None
    is_far = abs(price - known) >= FEE_STEP_SAT_PER_VBYTE
    return is_far and not known / FEE_FACTOR < price < known * FEE_FACTOR


def _added(before: Sequence[str], after: Sequence[str]) -> list[str]:
    known = set(before)
    return [name for name in after if name not in known]


def _key(trigger: Trigger) -> str:
    return f"{trigger.kind} {trigger.subject}"
