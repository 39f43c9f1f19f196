"""Lines out of bytes, however they are cut, and the call a line too long was for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.stdio.framing import Lines, find_id

STREAM = b"one\n\n" + b"x" * 60 + b"\ntwo\r\n" + b"y" * 40 + b"\nlast"


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_lines_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    skipped: list[int] = []
    lines = Lines(50, lambda head, tail, length: skipped.append(length))
    places = [0, *sorted(cuts), len(STREAM)]
    found = [line for start, end in pairwise(places) for line in lines.feed(STREAM[start:end])]
    assert found == [b"one", b"", b"two\r", b"y" * 40]
    assert skipped == [60]


def test_a_long_line_is_known_by_its_ends_and_not_kept() -> None:
    skipped: list[tuple[bytes, bytes, int]] = []
    lines = Lines(2_000, lambda *line: skipped.append(line))
    for chunk in (b"a" * 1_500, b"b" * 1_500, b"c" * 1_500, b"d" * 1_500 + b"\nnext\n"):
        found = lines.feed(chunk)
    assert found == [b"next"]
    assert [(head[:1], tail[-1:], length) for head, tail, length in skipped] == [(b"a", b"d", 6_000)]


@pytest.mark.parametrize(
    ("head", "tail", "call_id"),
    [
        (b'{"jsonrpc":"2.0","id":7,"result":{"id":8', b"", 7),
        (b' { "id" : 7 , "result"', b"", 7),
        (b'{"result":{"id":8,"a":"', b'"},"jsonrpc":"2.0","id":7}', 7),
        (b'{"result":{"id":8,"a":"', b'"},"id":7,"jsonrpc":"2.0"}', 7),
        (b'{"result":{"id":8,"a":"', b'","id":7}}', None),
        (b'{"jsonrpc":"2.0","result":{"id":8,', b'"}}', None),
        (b'{"id":"7","result":', b"", None),
    ],
)
def test_the_id_of_an_answer_is_found_at_its_ends_alone(head: bytes, tail: bytes, call_id: int | None) -> None:
    assert find_id(head, tail) == call_id
