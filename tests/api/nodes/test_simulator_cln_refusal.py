"""What the simulated Core Lightning refuses, in clnrest's words."""

from collections.abc import Iterator
from typing import Any

import pytest

from nodes.simulator.home import open_home, open_runes
from nodes.simulator.network import build_world
from nodes.simulator.rune import make_rune
from nodes.simulator.small_network import generate_network
from tests.fakes.simulated_cln import StillCln, serve_still_cln

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def cln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillCln]:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=7)
    pubkey = world.fleet[0].pubkey
    world.fleet[0].pending_channel_points = [f"{'ab' * 32}:1"]
    with serve_still_cln(world, pubkey, open_home(tmp_path_factory.mktemp("home"), pubkey)) as still:
        yield still


def test_a_call_without_a_rune_is_forbidden(cln: StillCln) -> None:
    del cln.client.headers["Rune"]
    try:
        assert cln.refusal("getinfo") == (403, 1501, "Not authorized: Missing rune")
    finally:
        cln.client.headers["Rune"] = cln.home.rune.read_text().strip()


def test_a_rune_of_another_node_is_refused(cln: StillCln) -> None:
    stranger = make_rune(b"another node", ["=0"])
    assert cln.refusal("getinfo", rune=stranger) == (401, 1501, "Not authorized: Not derived from master")


def test_a_restricted_rune_opens_what_it_names_and_no_more(cln: StillCln) -> None:
    rune = make_rune(cln.secret, ["=1", "method=getinfo|method=listpeerchannels"])
    for method in ("getinfo", "listpeerchannels"):
        assert cln.client.post(f"/v1/{method}", headers={"Rune": rune}).status_code == 201
    reason = "method is not equal to getinfo AND method is not equal to listpeerchannels"
    assert cln.refusal("setchannel", rune=rune, id="all") == (401, 1502, f"Not permitted: {reason}")


def test_a_rune_may_bind_a_parameter(cln: StillCln) -> None:
    rune = make_rune(cln.secret, ["=2", "method=setchannel", "pnamefeeppm<100"])
    assert cln.client.post("/v1/setchannel", json={"id": "all", "feeppm": 99}, headers={"Rune": rune}).is_success
    status, code, _ = cln.refusal("setchannel", rune=rune, id="all", feeppm=100)
    assert (status, code) == (401, 1502)
    status, code, _ = cln.refusal("setchannel", rune=rune, id="all")
    assert (status, code) == (401, 1502)


def test_an_expired_rune_is_refused(cln: StillCln) -> None:
    status, code, message = cln.refusal("getinfo", rune=make_rune(cln.secret, ["=3", "time<1700000000"]))
    assert (status, code) == (401, 1502)
    assert message == "Not permitted: time is not less than 1700000000"


def test_a_limited_number_of_calls_is_not_simulated_and_so_refused(cln: StillCln) -> None:
    status, code, _ = cln.refusal("getinfo", rune=make_rune(cln.secret, ["=4", "rate=10"]))
    assert (status, code) == (401, 1502)


def test_methods_are_posted(cln: StillCln) -> None:
    response = cln.client.get("/v1/getinfo")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert cln.client.get("/getinfo").status_code == 404
    assert cln.client.post("/v1/getinfo/now").status_code == 404


def test_the_list_of_methods_needs_no_rune(cln: StillCln) -> None:
    response = cln.client.get("/v1/list-methods", headers={"Rune": ""})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "Command: setchannel id feebase feeppm" in response.text


def test_an_unknown_method_is_not_found(cln: StillCln) -> None:
    assert cln.refusal("stop") == (404, -32601, "Unknown command 'stop'")


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("getinfo", {"verbose": True}, "unknown parameter: verbose"),
        ("setchannel", {"feeppm": 1}, "missing required parameter: id"),
        ("setchannel", {"id": "all", "feeppm": -1}, "feeppm: should be a 32-bit integer"),
        ("setchannel", {"id": "all", "feeppm": 2**32}, "feeppm: should be a 32-bit integer"),
        ("setchannel", {"id": "all", "feeppm": True}, "feeppm: should be a 32-bit integer"),
        ("setchannel", {"id": "all", "feebase": 2**32}, "feebase: exceeds u32 max"),
        ("setchannel", {"id": "all", "feebase": "1.5sat"}, "feebase: should be a millisatoshi amount"),
        ("setchannel", {"id": "all", "htlcmin": "much"}, "htlcmin: should be a millisatoshi amount"),
        ("setchannel", {"id": "all", "enforcedelay": "soon"}, "enforcedelay: should be a 32-bit integer"),
        ("setchannel", {"id": "all", "ignorefeelimits": 2}, "ignorefeelimits: should be 'true' or 'false'"),
        ("setchannel", {"id": "1x1x1"}, "Short channel ID not found: '1x1x1'"),
        ("setchannel", {"id": "0" * 64}, "Channel ID not found: '000"),
        ("setchannel", {"id": "nonsense"}, "id: Given id is not a channel ID or short channel ID"),
        ("listpeerchannels", {"id": "02"}, "id: should be a node id"),
        ("listpeerchannels", {"id": f"02{'0' * 64}", "short_channel_id": "1x1x1"}, "Cannot specify more than one"),
        ("listforwards", {"start": 1}, "Can only specify {start} or {limit} with {index}"),
        ("listforwards", {"index": "created", "in_channel": "1x1x1"}, "Cannot use {index} with {in_channel}"),
        ("listforwards", {"status": "lost"}, "status: should be one of offered, settled, local_failed, failed"),
        ("listchannels", {"source": f"02{'0' * 64}", "short_channel_id": "1x1x1"}, "Can only specify one of"),
        ("feerates", {}, "missing required parameter: style"),
        ("feerates", {"style": "perbyte"}, "style: should be one of perkb, perkw"),
        ("signmessage", {"message": "x" * 65_536}, "Message must be < 64k"),
    ],
)
def test_a_wrong_parameter_is_refused(cln: StillCln, method: str, params: dict[str, Any], words: str) -> None:
    status, code, message = cln.refusal(method, **params)
    assert (status, code) == (500, -32602)
    assert message.startswith(words)


def test_what_is_no_object_is_refused(cln: StillCln) -> None:
    for body, code in ((b"{", -32700), (b"[1]", -32602), (b"[" * 100_000, -32700)):
        answer = cln.client.post("/v1/getinfo", content=body)
        assert (answer.status_code, answer.json()["code"]) == (500, code)


def test_the_smallest_payment_may_not_exceed_the_largest(cln: StillCln) -> None:
    refusal = cln.refusal("setchannel", id="all", htlcmin=2, htlcmax=1)
    assert refusal == (500, -1, "htlcmax cannot be less than htlcmin")


def test_a_peer_without_channels_and_a_pending_channel_are_refused(cln: StillCln) -> None:
    assert cln.refusal("setchannel", id=f"02{'0' * 64}")[:2] == (500, -1)
    refusal = cln.refusal("setchannel", id=f"{'ab' * 31}aa")
    assert refusal == (500, -1, "Channel in state CHANNELD_AWAITING_LOCKIN")


def test_rune_files_are_the_owners_alone_and_stay(cln: StillCln) -> None:
    files = (cln.home.rune, cln.home.rune_secret)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    before = [path.read_bytes() for path in files]
    assert open_runes(cln.home) == cln.secret
    assert [path.read_bytes() for path in files] == before
