"""Bodies that are no JSON, too large, too deep, packed wrongly or of another kind: a problem each, nothing stored."""

import gzip
import io
import json
import zlib
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.api import lasting
from tests.api.case import cases
from tests.api.problem import assert_problem, assert_refused_at
from tests.api.tables import read_tables
from tests.conftest import ApiClient
from tests.factories import Box, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
LIMIT = 10 * 1024 * 1024
GOOD = msgspec.json.encode(make_snapshot(9))
DEEP_ARRAY, DEEP_OBJECT = b"[" * 100_000, b'{"a":' * 50_000
CHUNKED: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
NO_JSON = {
    "empty": b"",
    "blank": b"  \r\n\t",
    "cut short": GOOD[:-1],
    "something after it": GOOD + b"{}",
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "invalid UTF-8 in a value": GOOD.replace(b'"alias":"node"', b'"alias":"\xff\xfe"'),
    "invalid UTF-8 in a name": GOOD.replace(b'"alias"', b'"\xff"'),
    "half a surrogate pair": GOOD.replace(b'"alias":"node"', b'"alias":"\\ud800"'),
    "a comment": b"/* */" + GOOD,
    "single quotes": GOOD.replace(b'"', b"'"),
    "a trailing comma": GOOD[:-1] + b",}",
    "leading zero": GOOD.replace(b'"seq":9', b'"seq":09'),
    "control character in a string": GOOD.replace(b'"alias":"node"', b'"alias":"a\x01"'),
    "NaN and cut short": b'{"seq":NaN,',
    "NaN and too deep": b'{"seq":NaN,"x":' + DEEP_ARRAY,
    "HTML": b"<html></html>",
}
NO_OBJECT = {
    "array": b"[]",
    "array of a snapshot": b"[" + GOOD + b"]",
    "string": b'"snapshot"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
}
DEEP = {
    "100,000 arrays": (DEEP_ARRAY, ""),
    "100,000 closed arrays": (DEEP_ARRAY + b"]" * 100_000, ""),
    "50,000 objects": (DEEP_OBJECT, "/a"),
    "arrays as the channels": (b'{"channels":' + DEEP_ARRAY, "/channels/0"),
    "arrays in an unknown field": (GOOD[:-1] + b',"x":' + DEEP_ARRAY, "/x"),
}
NO_GZIP = {
    "plain": GOOD,
    "cut short": gzip.compress(GOOD)[:-9],
    "only the magic": b"\x1f\x8b",
    "empty": b"",
    "wrong checksum": gzip.compress(GOOD)[:-8] + bytes(8),
    "zlib": zlib.compress(GOOD),
    "something after it": gzip.compress(GOOD) + b"more",
    "two members": gzip.compress(GOOD[:40]) + gzip.compress(GOOD[40:]),
    "packed twice": gzip.compress(gzip.compress(GOOD)),
}


def send_and_compare(api: ApiClient, box: Box, raw: bytes, **headers: str) -> Any:
    headers = {"Content-Type": "application/json"} | headers
    before = read_tables(box)
    answer = api.post(box.path("snapshots"), raw, token=api.token_of(box), **headers)
    assert read_tables(box) == before
    return answer


def send_by_wsgi(api: ApiClient, box: Box, raw: bytes, **environ: Any) -> SimpleNamespace:
    """As a server would hand it over: the headers need not tell the truth about the body."""
    before = read_tables(box)
    response = api.client.generic(
        "POST",
        box.path("snapshots"),
        CONTENT_TYPE="application/json",
        HTTP_AUTHORIZATION=f"Bearer {api.token_of(box)}",
        **({"wsgi.input": io.BytesIO(raw)} | environ),
    )
    assert read_tables(box) == before
    return SimpleNamespace(
        status=response.status_code, headers=response.headers, raw=response.content, json=json.loads(response.content)
    )


@cases(NO_JSON)
def test_what_is_no_json_is_a_problem_of_the_whole_body(api: ApiClient, alice: Box, case: bytes) -> None:
    assert_refused_at(send_and_compare(api, alice, case), "", code="malformed")


@cases(NO_OBJECT)
def test_what_is_no_object_is_a_problem_of_the_whole_body(api: ApiClient, alice: Box, case: bytes) -> None:
    assert_refused_at(send_and_compare(api, alice, case), "", code="invalid")


@cases(DEEP)
def test_deep_json_is_refused_where_it_leaves_the_shape(api: ApiClient, alice: Box, case: tuple[bytes, str]) -> None:
    raw, pointer = case
    assert_refused_at(send_and_compare(api, alice, raw), pointer)


def test_a_body_of_exactly_the_limit_is_read(api: ApiClient, charlie: Box) -> None:
    raw = GOOD + b" " * (LIMIT - len(GOOD))
    assert api.post(charlie.path("snapshots"), raw, token=api.token_of(charlie)).status == 201


def test_a_body_one_byte_above_the_limit_is_too_large(api: ApiClient, alice: Box) -> None:
    assert_problem(send_and_compare(api, alice, GOOD + b" " * (LIMIT + 1 - len(GOOD))), 413)


@cases({"honest": str(LIMIT + 1), "with zeros": f"000{LIMIT + 1}", "5,000 digits": "9" * 5000})
def test_a_length_above_the_limit_is_refused_without_reading(api: ApiClient, alice: Box, case: str) -> None:
    class Untouched(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    assert_problem(send_by_wsgi(api, alice, b"", CONTENT_LENGTH=case, **{"wsgi.input": Untouched()}), 413)


class Endless(io.RawIOBase):
    """A body without end."""

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= LIMIT + 1
        return b" " * size


@cases({"a plus": {"CONTENT_LENGTH": "+999999999"}, "a space": {"CONTENT_LENGTH": " 999999999"}, "chunks": CHUNKED})
def test_no_more_than_the_limit_is_read_whatever_the_length_says(api: ApiClient, alice: Box, case: Any) -> None:
    assert_problem(send_by_wsgi(api, alice, b"", **{"wsgi.input": Endless()} | case), 413)


def test_a_body_in_chunks_is_read_to_its_end(api: ApiClient, alice: Box) -> None:
    assert_refused_at(send_by_wsgi(api, alice, GOOD[:-1] + b',"x":1}', **CHUNKED), "/x")


@cases({"too short": str(len(GOOD) // 2), "none": "", "zero": "0", "negative": "-1", "words": "many", "²": "²"})
def test_a_length_that_hides_the_body_leaves_no_json(api: ApiClient, alice: Box, case: str) -> None:
    assert_refused_at(send_by_wsgi(api, alice, GOOD, CONTENT_LENGTH=case), "", code="malformed")


def test_a_gzip_bomb_is_too_large_before_it_is_unpacked(api: ApiClient, alice: Box) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 400_000
    assert_problem(send_and_compare(api, alice, bomb, **{"Content-Encoding": "gzip"}), 413)


@cases(NO_GZIP)
def test_what_is_no_whole_gzip_is_a_problem(api: ApiClient, alice: Box, case: bytes) -> None:
    assert_refused_at(send_and_compare(api, alice, case, **{"Content-Encoding": "gzip"}), "", code="malformed")


@pytest.mark.parametrize("encoding", ["br", "deflate", "x-gzip", "gzip, gzip", "identity, gzip", "nonsense"])
def test_another_content_encoding_is_not_supported(api: ApiClient, alice: Box, encoding: str) -> None:
    assert_problem(send_and_compare(api, alice, gzip.compress(GOOD), **{"Content-Encoding": encoding}), 415)


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "é",
    ],
)
def test_another_media_type_is_not_supported(api: ApiClient, alice: Box, media_type: str) -> None:
    assert_problem(send_and_compare(api, alice, GOOD, **{"Content-Type": media_type}), 415)


@pytest.mark.parametrize("media_type", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"])
def test_json_by_any_spelling_of_its_name_is_taken(api: ApiClient, charlie: Box, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    assert api.post(charlie.path("snapshots"), GOOD, token=api.token_of(charlie), **headers).status == 201
