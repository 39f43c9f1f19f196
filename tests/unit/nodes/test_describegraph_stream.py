"""JSON read piece by piece is what JSON read at once is, wherever the pieces are cut."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.sources.describegraph.json_stream import JsonStream, JsonStreamError, TooLargeError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


class Drops:
    """A source that gives a few bytes at a time."""

    def __init__(self, content: bytes, drop_bytes: int) -> None:
        self._file = io.BytesIO(content)
        self._drop_bytes = drop_bytes

    def read(self, _size: int, /) -> bytes:
        return self._file.read(self._drop_bytes)


def open_stream(text: str, *, drop_bytes: int = 3, **limits: int) -> JsonStream:
    return JsonStream(Drops(text.encode(), drop_bytes), **({"max_bytes": 10_000} | limits))


def read_document(stream: JsonStream) -> dict[str, list[Any]]:
    document = {name: list(stream.read_items()) for name in stream.read_members()}
    stream.finish()
    return document


@given(
    document=st.dictionaries(st.text(max_size=4), st.lists(VALUES, max_size=4), max_size=4),
    indent=st.sampled_from([None, 4]),
    ascii_only=st.booleans(),
    drop_bytes=st.integers(1, 40),
)
def test_pieces_give_what_the_whole_gives(document: Any, indent: int | None, ascii_only: bool, drop_bytes: int) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    stream = open_stream(text, drop_bytes=drop_bytes, max_bytes=1_000_000)

    assert read_document(stream) == document


@given(value=VALUES, drop_bytes=st.integers(1, 9))
def test_a_value_of_any_kind_is_read_whole(value: Any, drop_bytes: int) -> None:
    assert open_stream(json.dumps(value), drop_bytes=drop_bytes, max_bytes=1_000_000).read_value() == value


@pytest.mark.parametrize(
    "text", ['{"a" 1}', '{"a": [1 2]}', '{"a": [1,]}', '{"a": [1', "{1: []}", '{"a": []', "{,}", '{"a": []} x']
)
def test_what_is_not_json_is_refused(text: str) -> None:
    stream = open_stream(text)

    with pytest.raises(JsonStreamError):
        read_document(stream)


@pytest.mark.parametrize("drop_bytes", [3, 7, 1000])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (' {"é": [1, 2, {"a": }]}'.encode(), "Expecting value at byte 21"),
        ('{"é": [1 2]}'.encode(), "']' expected, found '2' at byte 10"),
        (b'{"abcdefgh": ["\xff"]}', "can't decode byte 0xff at byte 15: invalid start byte"),
        (b'{"abcdefgh": [1, {"a": "b', "the text ends too early"),
        (b'{"abcdefgh": [1, {"a": ', "the text ends too early"),
        (b'{"abcdefgh": [1, {"a": "\xc3', "the text ends too early"),
    ],
)
def test_a_fault_is_told_with_its_place_in_the_document(content: bytes, says: str, drop_bytes: int) -> None:
    with pytest.raises(JsonStreamError) as caught:
        read_document(JsonStream(Drops(content, drop_bytes), max_bytes=1_000))

    assert str(caught.value) == says


def test_one_endless_value_does_not_fill_the_memory() -> None:
    stream = open_stream(f'["{"x" * 9_000}"]', drop_bytes=100, max_value_chars=1_000)

    with pytest.raises(JsonStreamError):
        list(stream.read_items())


def test_a_document_beyond_the_limit_is_stopped() -> None:
    stream = open_stream(json.dumps(list(range(1_000))), max_bytes=1_000)

    with pytest.raises(TooLargeError):
        list(stream.read_items())
