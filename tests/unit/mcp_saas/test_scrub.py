"""Texts and fields leave without names in full and without secrets; what is neither is left as it is."""

import base64
import json

import pytest

from mcp_saas.kit.scrub import HIDDEN, scrub_text, scrub_value

PUBKEY = "02ab12cd34" + "ab" * 24 + "009f3e1a"
SHORT = "02ab12cd…9f3e1a"
MACAROON = "0201036c6e6402f801030a10" + "5e" * 120
RUNE = base64.urlsafe_b64encode(bytes(range(60, 110))).decode()
INVOICE = "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4js"
OFFER = "lno1pgqpvggzfpjhyemp8ehgkqj2fky4xg2zmqdl3n0dvhzpcmpmyl0w8lrkg7s"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib3gifQ.c2lnbmF0dXJl"
API_KEY = "dz_live_0011aabb_" + "xY3" * 14 + "z00112233"
SECRETS = {
    "macaroon": MACAROON,
    "macaroon in base64": base64.b64encode(bytes.fromhex(MACAROON)).decode(),
    "rune": RUNE,
    "invoice": INVOICE,
    "invoice in capitals": INVOICE.upper(),
    "offer": OFFER,
    "offer cut with +": f"{OFFER[:30]}+{OFFER[30:]}",
    "LNURL": "lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35xvukxefcv5mkvv34x5ekzd3ev56nyd3hxqu",
    "key of Nostr": "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
    "JWT": JWT,
    "API key": API_KEY,
    "key of OpenAI": "sk-proj-abcdefghijklmnop",
    "bot": "123456789:AAF" + "x1Y" * 11,
    "address of a bot": "https://api.telegram.org/bot123456789:AAF" + "x1Y" * 11,
    "webhook secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
HARMLESS = (
    "sha256 " + "02" * 32,
    "5f0c2a6e-7a3d-4a55-9c1f-1c2a3b4c5d6e",
    "test_the_points_of_tenants_are_reached_through_one_filter",
    "mcp_saas/embedded/knowledge/service.py:40",
    "800000x1x0 earned 1234 msat in 30 days",
    "a1" + PUBKEY,
)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("around", ["{}", "could not pay {}: refused", '{{"event": "sent {}"}}', "(key={})", "/a/{}/b"])
def test_a_secret_is_hidden_wherever_it_stands(kind: str, around: str) -> None:
    told = scrub_text(around.format(SECRETS[kind]))
    assert SECRETS[kind] not in told
    assert SECRETS[kind][8:40] not in told
    assert HIDDEN in told


@pytest.mark.parametrize("around", ["{}", "/node/{}/info", "{}@127.0.0.1:9735", "peer={},", "a%20{}", "peer{}"])
def test_a_pubkey_is_shortened(around: str) -> None:
    assert scrub_text(around.format(PUBKEY)) == around.format(SHORT)


def test_a_pubkey_in_capitals_is_shortened() -> None:
    assert scrub_text(PUBKEY.upper()) == "02AB12CD…9F3E1A"


@pytest.mark.parametrize("before", ["\n", "\t", "“", "«\N{NO-BREAK SPACE}", "\x00"])
@pytest.mark.parametrize("kind", [*SECRETS, "pubkey"])
def test_what_stands_behind_an_escaped_character_is_found(kind: str, before: str) -> None:
    """A finished line of the log is JSON: what was a new line ends in a letter there, a quotation mark in digits."""
    word = {**SECRETS, "pubkey": PUBKEY}[kind]
    for line in (json.dumps({"event": before + word}), repr(before + word)):
        assert word[-24:-4] not in scrub_text(line)


@pytest.mark.parametrize("text", HARMLESS)
def test_the_rest_is_left_as_it_is(text: str) -> None:
    assert scrub_text(text) == text


def test_a_password_in_an_address_is_hidden() -> None:
    assert scrub_text("redis://user:hunter2@cache:6379/0") == f"redis://{HIDDEN}@cache:6379/0"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijklmnopqrst",
        "Authorization: Basic dXNlcjpwYXNz",
        "password=correct-horse-battery",
        "password: hunter2",
        "rune: 0a1b2c3d4e5f6071",
        "client_secret=" + "0a" * 32,
        "r_preimage: DJs5nm5BRitI3Ra2re1RGENxyEoDJqOuOBb9L/2RlVM=",
    ],
)
def test_what_is_named_a_secret_is_hidden(text: str) -> None:
    assert scrub_text(text).endswith(HIDDEN)


def test_the_row_postgresql_quotes_is_hidden() -> None:
    text = "duplicate key\nDETAIL:  Failing row contains (7, my node).\nCONTEXT:  line 3"
    assert scrub_text(text) == f"duplicate key\nDETAIL: {HIDDEN}\nCONTEXT:  line 3"


def test_values_are_scrubbed_to_the_bottom() -> None:
    found = scrub_value({"frames": [{"vars": {"macaroon": "x", "peer": f"'{PUBKEY}'", "raw": b"\x02", "fee": 7}}]})
    assert found == {"frames": [{"vars": {"macaroon": HIDDEN, "peer": f"'{SHORT}'", "raw": HIDDEN, "fee": 7}}]}


@pytest.mark.parametrize("name", ["X-Api-Key", "api-key", "Grpc-Metadata-macaroon", "Authorization", "Rune", "Cookie"])
def test_a_header_of_a_secret_is_hidden_as_a_field_and_as_a_pair(name: str) -> None:
    assert scrub_value({"headers": [[name, "0a1b"]], "sent": {name: "0a1b"}}) == {
        "headers": [[name, HIDDEN]],
        "sent": {name: HIDDEN},
    }


def test_bytes_in_words_are_hidden() -> None:
    macaroon = bytes.fromhex(MACAROON[:24]) + bytes(range(128, 228))
    told = scrub_text(f"cannot send {macaroon!r} to it")
    assert told == f"cannot send b'{HIDDEN}' to it"
    assert scrub_text(json.dumps({"event": repr(macaroon)})) == json.dumps({"event": f"b'{HIDDEN}'"})


def test_names_of_fields_are_scrubbed_too() -> None:
    assert scrub_value({PUBKEY: 1, "tokens": 12, "token": "abc", "empty_token": ""}) == {
        SHORT: 1,
        "tokens": 12,
        "token": HIDDEN,
        "empty_token": "",
    }


def test_what_refers_to_itself_ends() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert HIDDEN in str(scrub_value(endless))
