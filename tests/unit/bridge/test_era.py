"""One era of the protocol in the words of the other."""

import json
from typing import Any

import pytest
from msgspec import Raw

from bridge.engine.envelope import MalformedError, read_object
from bridge.engine.era import (
    CAPABILITIES,
    CLIENT_INFO,
    LOG_LEVEL,
    MODERN,
    NEWEST_LEGACY,
    SERVER_INFO,
    VERSION,
    Client,
    needs_input,
    to_legacy_params,
    to_legacy_result,
    to_modern_code,
    to_modern_params,
    to_modern_result,
    write_hidden_progress,
)

INFO = b'{"name":"server","version":"1"}'


def members(**values: Any) -> dict[str, Raw]:
    return {name: Raw(json.dumps(value).encode()) for name, value in values.items()}


def read(params: dict[str, Raw]) -> dict[str, Any]:
    return {name: json.loads(bytes(value)) for name, value in params.items()}


def test_a_newer_request_says_who_asks_and_keeps_what_its_client_wrote() -> None:
    client = Client(MODERN, b'{"sampling":{}}', b'{"name":"c"}', "warning")
    told = read(to_modern_params(members(name="t", _meta={"progressToken": 7, "traceparent": "00-1"}), client))
    assert told == {
        "name": "t",
        "_meta": {
            "progressToken": 7,
            "traceparent": "00-1",
            VERSION: MODERN,
            CAPABILITIES: {"sampling": {}},
            CLIENT_INFO: {"name": "c"},
            LOG_LEVEL: "warning",
        },
    }


def test_a_client_cannot_pretend_to_be_another_in_its_own_words() -> None:
    told = read(to_modern_params(members(_meta={VERSION: "1999", CAPABILITIES: {"roots": {}}}), Client(NEWEST_LEGACY)))
    assert told["_meta"] == {VERSION: MODERN, CAPABILITIES: {}}


def test_an_older_request_is_without_what_the_newer_era_added() -> None:
    meta = {VERSION: MODERN, CAPABILITIES: {}, CLIENT_INFO: {}, LOG_LEVEL: "info", "progressToken": "p"}
    given = members(name="t", arguments={"a": 1}, _meta=meta, inputResponses={"ask-1": {}}, requestState="s")
    assert read(to_legacy_params(given)) == {"name": "t", "arguments": {"a": 1}, "_meta": {"progressToken": "p"}}
    assert read(to_legacy_params(members(name="t", _meta={VERSION: MODERN}))) == {"name": "t"}


@pytest.mark.parametrize(("method", "holds"), [("tools/list", True), ("resources/read", True), ("tools/call", False)])
def test_an_older_result_is_complete_and_holds_for_nobody_else(method: str, holds: bool) -> None:
    told = json.loads(to_modern_result(b'{"a":1.50,"_meta":{"own":1}}', method, server_info=INFO))
    assert told["resultType"] == "complete"
    assert told["_meta"] == {SERVER_INFO: {"name": "server", "version": "1"}, "own": 1}
    assert (told.get("ttlMs"), told.get("cacheScope")) == ((0, "private") if holds else (None, None))


def test_numbers_and_order_stay_as_the_server_wrote_them() -> None:
    assert to_modern_result(b'{"z":1.50,"a":1e400}', "tools/call", server_info=INFO).startswith(b'{"z":1.50,"a":1e400,')


def test_a_newer_result_is_without_what_its_era_added() -> None:
    newer = {"content": [], "resultType": "complete", "ttlMs": 5, "cacheScope": "public", "_meta": {SERVER_INFO: {}}}
    assert json.loads(to_legacy_result(json.dumps(newer).encode())) == {"content": []}
    own = newer | {"_meta": {SERVER_INFO: {}, "own": 1}}
    assert json.loads(to_legacy_result(json.dumps(own).encode())) == {"content": [], "_meta": {"own": 1}}


def test_there_and_back_is_the_same() -> None:
    body = b'{"content":[{"type":"text","text":"\xc3\xa9"}],"isError":false}'
    assert json.loads(to_legacy_result(to_modern_result(body, "tools/call", server_info=INFO))) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "needs"),
    [
        (b'{"resultType":"input_required","inputRequests":{}}', True),
        (b'{"resultType":"complete","content":[{"type":"text","text":"input_required"}]}', False),
        (b'{"content":[{"text":"\\"resultType\\":\\"input_required\\""}]}', False),
        (b"{}", False),
    ],
)
def test_whether_more_is_needed_says_the_result_and_no_text_in_it(body: bytes, needs: bool) -> None:
    assert needs_input(body) is needs


def test_codes_of_before_are_not_shown_to_the_newer_era() -> None:
    assert [to_modern_code(code) for code in (-32002, -32042, -32601, 7)] == [-32602, -32602, -32601, 7]


def test_progress_nobody_waits_for_is_not_asked_for() -> None:
    hidden = write_hidden_progress(members(name="t", _meta={"progressToken": 1, "own": 2}))
    assert read(hidden) == {"name": "t", "_meta": {"own": 2}}
    untouched = members(name="t", _meta={"own": 2})
    assert write_hidden_progress(untouched) is untouched


def test_meta_that_is_no_object_is_refused() -> None:
    with pytest.raises(MalformedError):
        to_legacy_params({"_meta": Raw(b"[]")})
    with pytest.raises(MalformedError):
        read_object(b"7")
