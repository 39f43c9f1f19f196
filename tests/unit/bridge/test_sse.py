"""Events out of bytes, however they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.http.sse import Event, Events, TooLongError

STREAM = (
    b"\xef\xbb\xbf: a comment\n\ndata: one\n\nevent: x\r\nid: 7\r\nretry: 20\r\ndata: two\r\ndata:  three\r\n\r\n"
    b"data\r\rid\r\rdata: last\n"
)
EXPECTED = [
    Event("message", b"one", None, None),
    Event("x", b"two\n three", "7", 20),
    Event("message", b"", "", None),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_events_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    events = Events(1_000)
    found = [event for start, end in pairwise(places) for event in events.feed(STREAM[start:end])]
    assert found == EXPECTED


def test_an_event_beyond_the_limit_is_refused_before_it_ends() -> None:
    events = Events(1_000)
    for _ in range(5):
        assert len(events.feed(b"data: %b\n\n" % (b"x" * 900))) == 1
    assert events.feed(b"data: " + b"x" * 900 + b"\n") == []
    with pytest.raises(TooLongError):
        events.feed(b"data: " + b"x" * 100)
