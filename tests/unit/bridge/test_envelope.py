"""JSON-RPC around params and results that nobody rebuilds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine import envelope
from bridge.engine.envelope import Envelope, MalformedError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab[]{}"\\é', max_size=4), inner, max_size=4),
    max_leaves=30,
)


def read(body: bytes) -> Envelope:
    return envelope.read_message(body, max_bytes=10_000)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def test_params_are_the_bytes_that_came() -> None:
    params = b'{ "a" : 1.50,"b":"\\u00e9\xc3\xa9" , "c":12345678901234567890123 }'
    message = read(b'{"jsonrpc":"2.0", "id":7 ,"method":"tools/call","params":%b}' % params)
    assert (bytes(message.id), message.method, bytes(message.params)) == (b"7", "tools/call", params)
    assert message.is_request
    assert not message.is_notification


@pytest.mark.parametrize("request_id", [b"0", b'"x"', b"1.50", b"null", b'"\\u0031"'])
def test_an_id_comes_back_as_it_was_written(request_id: bytes) -> None:
    message = read(b'{"id":%b,"method":"ping"}' % request_id)
    assert envelope.write_result(bytes(message.id), b"{}") == b'{"jsonrpc":"2.0","id":%b,"result":{}}' % request_id


def test_a_message_without_id_is_a_notification() -> None:
    message = read(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    assert message.is_notification
    assert not message.is_request
    assert not message.params


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", envelope.PARSE_ERROR),
        (b"{", envelope.PARSE_ERROR),
        (b'{"method":"a"} {}', envelope.PARSE_ERROR),
        (b'{"method":"a","params":{"a":01}}', envelope.PARSE_ERROR),
        (b'{"method":"a","params":"\xff"}', envelope.PARSE_ERROR),
        (b"7", envelope.INVALID_REQUEST),
        (b"[]", envelope.INVALID_REQUEST),
        (b'{"method":7}', envelope.INVALID_REQUEST),
        (b'{"params":' + b"[" * 65 + b"]" * 65 + b"}", envelope.INVALID_REQUEST),
        (b'{"params":' + b"[" * 4_000 + b"]" * 4_000 + b"}", envelope.INVALID_REQUEST),
        (b'"%b"' % (b"x" * 10_000), envelope.INVALID_REQUEST),
    ],
)
def test_what_is_no_message_is_refused_with_the_code_for_it(body: bytes, code: int) -> None:
    with pytest.raises(MalformedError) as refused:
        read(body)
    assert refused.value.code == code


def test_a_bad_item_spoils_no_other_of_its_array() -> None:
    items = envelope.read_batch(b'[{"id":1,"method":"a"},7,{"id":2,"method":"b"}]', max_bytes=100, max_items=3)
    assert [item.method if isinstance(item, Envelope) else item.code for item in items] == ["a", -32600, "b"]


@pytest.mark.parametrize("body", [b"[]", b"[1,2,3]", b"[1,2"])
def test_an_array_of_none_of_too_many_and_a_broken_one_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        envelope.read_batch(body, max_bytes=100, max_items=2)


def test_whether_a_body_is_an_array_is_seen_behind_white_space() -> None:
    assert [envelope.is_batch(body) for body in (b"[1]", b" \r\n[1]", b'{"a":[1]}')] == [True, True, False]


@given(VALUES, st.integers(0, 8))
def test_depth_is_counted_outside_of_strings(value: object, depth: int) -> None:
    assert envelope.is_deeper(json.dumps(value).encode(), depth) == (depth_of(value) > depth)


def test_depth_of_a_hostile_body_is_found_in_one_pass() -> None:
    open_string = b'["' + b'\\"[' * 500_000
    assert not envelope.is_deeper(open_string, 64)
    assert envelope.is_deeper(b'{"a":' * 65 + b"1" + b"}" * 65, 64)


@given(st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=4), VALUES)
def test_a_member_is_set_and_the_others_stay(members: dict[str, object], value: object) -> None:
    body = envelope.put_member(json.dumps(members).encode(), name="new", value=json.dumps(value).encode())
    assert json.loads(body) == members | {"new": value}


def test_an_id_is_replaced_and_members_nobody_knows_are_kept() -> None:
    message = envelope.put_id(b'{"jsonrpc":"2.0","id":1,"result":{"a":1.0},"x-trace":"t"}', b'"mine"')
    assert message == b'{"jsonrpc":"2.0","id":"mine","result":{"a":1.0},"x-trace":"t"}'


def test_an_error_is_read_and_written() -> None:
    error = envelope.make_error(1050, 'the server "x" is away', data=b'{"retry":1}')
    assert json.loads(envelope.write_error(b"null", error))["error"]["message"] == 'the server "x" is away'
    assert envelope.read_error(error).code == 1050
    assert envelope.read_error(b'"odd"').message == '"odd"'


def test_line_ends_between_values_become_blanks() -> None:
    assert envelope.to_one_line(b'{\r\n"a":"\\n"}') == b'{  "a":"\\n"}'
    separated = '{"a":"\u2028 \u2029 \u00e9"}'
    told = envelope.to_one_line(separated.encode())
    assert len(told.decode().splitlines()) == 1
    assert json.loads(told) == json.loads(separated)
