"""The simulated LND refuses as the real one does: same status, same code, same words."""

import ssl
from collections.abc import Iterator

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from nodes.simulator.home import NodeHome, open_home
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from tests.fakes.simulated_fleet import StillNode, serve_still

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> NodeHome:
    return open_home(tmp_path_factory.mktemp("home"), "02" + "a" * 64)


@pytest.fixture(scope="module")
def lnd(home: NodeHome) -> Iterator[StillNode]:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 2, origin="test", now_s=NOW_S, seed=7)
    with serve_still(world, world.fleet[0].pubkey, home) as node:
        yield node


@pytest.mark.parametrize(
    ("macaroons", "message"),
    [
        ([], "expected 1 macaroon, got 0"),
        (["00", "00"], "expected 1 macaroon, got 2"),
        (["00"], "verification failed: signature mismatch after caveat verification"),
        (["0"], "encoding/hex: odd length hex string"),
        (["secret"], "encoding/hex: invalid byte: U+0073 's'"),
    ],
)
def test_a_missing_or_wrong_macaroon_is_an_internal_error(lnd: StillNode, macaroons: list[str], message: str) -> None:
    del lnd.client.headers["Grpc-Metadata-macaroon"]
    headers = [("Grpc-Metadata-macaroon", macaroon) for macaroon in macaroons]

    assert lnd.refusal("GET", "/v1/getinfo", headers=headers) == (500, 2, message)
    assert lnd.refusal("POST", "/v1/chanpolicy", headers=headers, json={"global": True}) == (500, 2, message)


@pytest.fixture(autouse=True)
def macaroon(lnd: StillNode, home: NodeHome) -> None:
    lnd.client.headers["Grpc-Metadata-macaroon"] = home.macaroon.read_bytes().hex()


def test_the_macaroon_may_be_written_in_capitals(lnd: StillNode, home: NodeHome) -> None:
    headers = {"Grpc-Metadata-macaroon": home.macaroon.read_bytes().hex().upper()}

    assert lnd.client.get("/v1/getinfo", headers=headers).status_code == 200


NO_NODE = "02" + "e" * 64


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/", (404, 5, "Not Found")),
        ("GET", "/v1/nothing", (404, 5, "Not Found")),
        ("GET", "/v1/getinfo/", (404, 5, "Not Found")),
        ("POST", "/v1/getinfo", (501, 12, "Method Not Allowed")),
        ("GET", "/v1/switch", (501, 12, "Method Not Allowed")),
        ("DELETE", "/v1/chanpolicy", (501, 12, "Method Not Allowed")),
        ("GET", "/v1/channels?peer=AAAA", (500, 2, "invalid `peer` key: invalid vertex length of 3, want 33")),
        ("GET", f"/v1/graph/node/{NO_NODE}", (404, 5, "unable to find node")),
        ("GET", "/v1/graph/node/02ee", (500, 2, "invalid vertex string length of 4, want 66")),
        ("GET", "/v1/graph/edge/12345", (404, 5, "edge not found")),
        ("GET", "/v1/graph/edge/0", (500, 2, "specify either chan_id or chan_point")),
    ],
)
def test_what_is_not_there_is_refused(lnd: StillNode, method: str, path: str, answer: tuple[int, int, str]) -> None:
    assert lnd.refusal(method, path) == answer


def test_parameters_that_exclude_each_other_are_refused(lnd: StillNode) -> None:
    for first, second in (("active_only", "inactive_only"), ("public_only", "private_only")):
        message = f"either `{first}` or `{second}` can be set, but not both"
        assert lnd.refusal("GET", f"/v1/channels?{first}=1&{second}=true") == (500, 2, message)
    alone = lnd.refusal("GET", f"/v1/graph/node/{NO_NODE}?include_auth_proof=true")
    assert alone == (500, 2, "include_auth_proof depends on include_channels")


def test_parameters_of_the_wrong_type_are_bad_requests(lnd: StillNode) -> None:
    flag = lnd.refusal("GET", "/v1/channels?active_only=yes")
    number = lnd.refusal("GET", "/v1/graph/edge/-1")
    base64 = lnd.refusal("GET", "/v1/channels?peer=%25")

    assert flag == (400, 3, 'parsing field "active_only": strconv.ParseBool: parsing "yes": invalid syntax')
    wrong = 'error: strconv.ParseUint: parsing "-1": invalid syntax'
    assert number == (400, 3, f"type mismatch, parameter: chan_id, {wrong}")
    assert base64[:2] == (400, 3)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff",
        b'{"wat": 1}',
        b'{"start_time": -1}',
        b'{"start_time": "soon"}',
        b'{"index_offset": 4294967296}',
        b'{"peer_alias_lookup": 7}',
    ],
)
def test_a_body_that_protobuf_would_not_take_is_a_bad_request(lnd: StillNode, body: bytes) -> None:
    status, code, message = lnd.refusal("POST", "/v1/switch", content=body)

    assert (status, code) == (400, 3)
    assert message.startswith("proto: ")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"startTime": "5"}', b'{"start_time": null, "numMaxEvents": 3}'])
def test_a_body_may_be_empty_camel_cased_or_hold_nulls(lnd: StillNode, body: bytes) -> None:
    assert lnd.client.post("/v1/switch", content=body).json()["last_offset_index"] > 0


def test_a_body_beyond_grpcs_limit_is_refused(lnd: StillNode) -> None:
    status, code, message = lnd.refusal("POST", "/v1/switch", content=b" " * (4 * 2**20 + 1))

    assert (status, code) == (429, 8)
    assert "received message larger than max" in message


def test_the_certificate_is_lnds_kind_and_nobody_else_vouches_for_it(lnd: StillNode, home: NodeHome) -> None:
    certificate = x509.load_pem_x509_certificate(home.tls_cert.read_bytes())
    key = certificate.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    with (
        httpx.Client(verify=ssl.create_default_context(), trust_env=False) as stranger,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        stranger.get(lnd.client.base_url)


def test_keys_and_macaroon_are_ours_alone(home: NodeHome) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home.tls_cert, home.tls_key, home.macaroon)}

    assert modes == {"tls.cert": 0o600, "tls.key": 0o600, "admin.macaroon": 0o600}
    assert home.folder.stat().st_mode & 0o777 == 0o700
    assert home.macaroon.read_bytes().startswith(b"\x02\x01\x03lnd")


def test_a_second_opening_keeps_certificate_and_macaroon(home: NodeHome) -> None:
    before = home.tls_cert.read_bytes(), home.macaroon.read_bytes()

    again = open_home(home.folder.parent, "02" + "a" * 64)

    assert again == home
    assert (home.tls_cert.read_bytes(), home.macaroon.read_bytes()) == before
    other = open_home(home.folder.parent, "03" + "b" * 64)
    assert other.macaroon.read_bytes() != before[1]
