"""Reads what `lncli fwdinghistory` prints: settled forwards, 64-bit numbers as text."""

import datetime as dt
from pathlib import Path

import msgspec
from msgspec import Struct, field

from nodes.engine.report import Forward, ReportedForward
from nodes.engine.short_channel_id import scid_from_channel_id

_EXPORT_AGAIN = "Export it again: lncli fwdinghistory --start_time 0 --max_events 50000 > forwards.json"


class ForwardFileError(ValueError):
    """The file is not a forwarding history we can read. The message says what to do."""


class _Event(Struct, frozen=True, kw_only=True):
    incoming: int = field(name="chan_id_in")
    outgoing: int = field(name="chan_id_out")
    in_msat: int = field(name="amt_in_msat")
    out_msat: int = field(name="amt_out_msat")
    timestamp_ns: int = 0
    timestamp: int = 0  # seconds: LND before 0.14 tells no more


class _History(Struct, frozen=True):
    forwarding_events: list[_Event]


def read_forwards(path: Path) -> list[Forward]:
    """Oldest first; `id` is the place in the file. Raises ForwardFileError."""
    try:
        raw = msgspec.json.decode(path.read_bytes())
        events = msgspec.convert(raw, _History, strict=False).forwarding_events
        forwards = [_make_forward(place, event) for place, event in enumerate(events)]
    except OSError as error:
        raise ForwardFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise ForwardFileError(f"{path} is not what `lncli fwdinghistory` prints: {error}. {_EXPORT_AGAIN}") from error
    return sorted(forwards, key=lambda forward: forward.settled_at)


def _make_forward(place: int, event: _Event) -> Forward:
    at_s = event.timestamp_ns / 10**9 if event.timestamp_ns else event.timestamp
    return ReportedForward(
        id=str(place),
        incoming_scid=scid_from_channel_id(event.incoming),
        outgoing_scid=scid_from_channel_id(event.outgoing),
        in_msat=event.in_msat,
        out_msat=event.out_msat,
        fee_msat=event.in_msat - event.out_msat,
        settled_at=dt.datetime.fromtimestamp(at_s, dt.UTC),
    )
