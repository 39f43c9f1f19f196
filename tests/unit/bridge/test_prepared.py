"""What is added to params on their way, and what is not touched."""

import json

import pytest

from bridge.engine.envelope import MalformedError
from bridge.sources.handshake import META
from bridge.sources.prepared import prepare

COMPLETE = b'"%bprotocolVersion":"2026-07-28","%bclientCapabilities":{},"%bclientInfo":{}' % ((META.encode(),) * 3)


@pytest.mark.parametrize("params", [b"{}", b' { "a":1.50 } ', b'{"_meta":null,"a":1}', b'{"_meta":{"x":1.0}}'])
def test_older_params_go_out_as_they_came(params: bytes) -> None:
    assert prepare(params, "legacy", token=7) == (params, None)


@pytest.mark.parametrize(
    "params",
    [b"{}", b" {\n} ", b' {"a":{"_meta":1}} ', b'{"_meta":{},"a":1}', b'{"a":1,"_meta":{"x":1.0}}', b'{"_meta":null}'],
)
def test_newer_params_get_what_they_lack(params: bytes) -> None:
    prepared, token = prepare(params, "modern", token=7)
    found, was = json.loads(prepared), json.loads(params)
    meta = found.pop("_meta")
    assert {f"{META}protocolVersion", f"{META}clientCapabilities", f"{META}clientInfo"} <= set(meta)
    assert (was.pop("_meta", None) or {}).items() <= meta.items()
    assert (found, token) == (was, None)


def test_newer_params_that_are_complete_go_out_as_they_came() -> None:
    params = b'{ "a":1.0, "_meta":{%b} }' % COMPLETE
    assert prepare(params, "modern", token=7) == (params, None)


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_token_of_progress_becomes_ours_and_is_kept(era: str) -> None:
    params = b'{"a":1.0,"_meta":{"progressToken" : "mine",%b}}' % COMPLETE
    prepared, token = prepare(params, era, token=7)  # type: ignore[arg-type]
    assert json.loads(prepared)["_meta"]["progressToken"] == 7
    assert token == b'"mine"'
    assert b'"a":1.0' in prepared


@pytest.mark.parametrize("params", [b"[]", b"7", b'{"_meta":7}', b"{", b'{"_meta":{"progressToken":}}'])
def test_what_is_no_object_is_refused(params: bytes) -> None:
    with pytest.raises(MalformedError):
        prepare(params, "modern", token=7)
