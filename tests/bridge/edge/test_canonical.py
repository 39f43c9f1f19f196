"""One spelling for each JSON text."""

import pytest

from bridge.engine.canonical import TwinMemberError, write_canonical
from bridge.engine.pin import pin_tool


def test_order_and_blanks_do_not_matter() -> None:
    assert pin_tool(b'{"name": "a", "description": "b"}') == pin_tool(b'{"description":"b","name":"a"}')


def test_a_changed_word_is_another_fingerprint() -> None:
    assert pin_tool(b'{"name":"a","description":"b"}') != pin_tool(b'{"name":"a","description":"B"}')


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":"x","a":"\\u0022\\u0022\\u0022\\u0022"}',
        b'[{"a":"","a":""}]',
    ],
)
def test_a_member_named_twice_has_no_meaning(raw: bytes) -> None:
    with pytest.raises(TwinMemberError):
        write_canonical(raw)
