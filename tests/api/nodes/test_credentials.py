"""Credentials of other systems: the owner's apps set them, nobody reads them again."""

import io
import json
import logging
from typing import Any

import pytest
from django.db import connection
from structlog.stdlib import ProcessorFormatter

from nodes.engine.credential import ServerAccess, Service
from nodes.models.journal import JournalEntry
from nodes.selectors.credential import read_credential
from nodes.simulator.certificate import sign_certificate
from tenants.context import enter_tenant, use_schema
from tenants.tokens.access import mint_access_token
from tests.api import lasting
from tests.api.case import cases
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import TAKEN_AT, Box, make_api_key

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
MACAROON = "0201036c6e64" + "5eed" * 60
LND: dict[str, Any] = {"secret": MACAROON, "url": "https://lnd.alice.example:8443"}
OPENAI = {"secret": "sk-proj-" + "k3y" * 20}
CERTIFICATE, PRIVATE_KEY = (part.decode() for part in sign_certificate(TAKEN_AT))
TAKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "a macaroon in hex": ("lnd", LND),
    "a macaroon in base64": ("lnd", LND | {"secret": "AgEDbG5kAvgBAwoQ/+8="}),
    "a certificate with it": ("lnd", LND | {"tls_certificate": CERTIFICATE}),
    "a rune": ("cln", LND | {"secret": "tU-RLjMiDpY2U0o3W1oFowar36RFGpWloPbW9-RuZdo9MyZpZD0wMjRiOWExZmE="}),
    "a wallet": ("lnbits", {"secret": "3" * 32, "url": "https://wallet.example/lnbits"}),
    "sparkseer": ("sparkseer", OPENAI),
    "amboss": ("amboss", OPENAI),
    "openai": ("openai", OPENAI),
    "a bot": ("telegram", {"secret": "123456789:AAE-dyz_T0ken0fAB0t", "chat_id": "-100200300"}),
}
UNFIT: dict[str, tuple[str, dict[str, Any], str, int]] = {
    "a macaroon in neither": ("lnd", LND | {"secret": "not:a:macaroon"}, "/secret", 422),
    "half a byte in hex, no base64 either": ("lnd", LND | {"secret": "abcde"}, "/secret", 422),
    "a rune with a colon": ("cln", LND | {"secret": "a:b"}, "/secret", 422),
    "a bot without a number": ("telegram", {"secret": "token"}, "/secret", 422),
    "a bot without a chat": ("telegram", {"secret": "123456789:AAE"}, "/chat_id", 422),
    "no address": ("lnd", {"secret": MACAROON}, "/url", 422),
    "plain HTTP": ("lnd", LND | {"url": "http://lnd.example"}, "/url", 422),
    "an inner address": ("lnd", LND | {"url": "https://10.0.0.1"}, "/url", 422),
    "loopback by number": ("lnbits", LND | {"url": "https://2130706433"}, "/url", 422),
    "an inner name": ("cln", LND | {"url": "https://localhost:8443"}, "/url", 422),
    "another port": ("lnd", LND | {"url": "https://lnd.example:10009"}, "/url", 422),
    "a password in it": ("lnd", LND | {"url": "https://user:word@lnd.example"}, "/url", 422),
    "an address where it is known": ("openai", OPENAI | {"url": "https://api.example"}, "/url", 422),
    "a certificate where it is known": ("amboss", OPENAI | {"tls_certificate": CERTIFICATE}, "/tls_certificate", 422),
    "half a digest": ("lnd", LND | {"tls_certificate": "sha256:12ab"}, "/tls_certificate", 422),
    "no certificate": ("lnd", LND | {"tls_certificate": "-----BEGIN CERTIFICATE-----"}, "/tls_certificate", 422),
    "a query": ("lnd", LND | {"url": "https://lnd.example/?x=1"}, "/url", 400),
    "a control character": ("openai", {"secret": "sk-\u0007"}, "/secret", 400),
    "a newline at the end": ("openai", {"secret": "sk-1\n"}, "/secret", 400),
    "a blank": ("openai", {"secret": "sk 1"}, "/secret", 400),
    "NUL": ("openai", {"secret": "\u0000"}, "/secret", 400),
    "nothing": ("openai", {"secret": ""}, "/secret", 400),
    "too long": ("openai", {"secret": "x" * 4097}, "/secret", 400),
    "a field too many": ("openai", OPENAI | {"kind": "x"}, "/kind", 400),
}


def path_of(box: Box, service: str) -> str:
    return box.path(f"credentials/{service}")


def read_all(api: ApiClient, box: Box, token: str) -> dict[str, Any]:
    answer = api.get(box.path("credentials"), token=token)
    assert answer.status == 200
    return {item.pop("service"): item for item in answer.json["items"]}


@cases(TAKEN)
def test_what_opens_a_service_is_taken_and_never_shown_again(
    api: ApiClient, charlie: Box, case: tuple[str, dict[str, Any]]
) -> None:
    (service, offer), token = case, make_api_key(charlie)
    answer = api.put(path_of(charlie, service), offer, token=token)
    assert (answer.status, answer.json["service"], answer.json["last_used_at"]) == (200, service, None)
    shown = [answer, *(api.get(charlie.path(rest), token=token) for rest in ("credentials", f"credentials/{service}"))]
    assert shown[2].raw == answer.raw
    for told in shown:
        assert not [text for text in offer.values() if text.encode() in told.raw]
    with enter_tenant(charlie.tenant):
        access = read_credential(Service(service))  # type: ignore[call-overload]
    assert access.secret == offer["secret"]
    assert getattr(access, "url", None) == offer.get("url")


def test_a_certificate_is_kept_without_the_key_that_stood_beside_it(api: ApiClient, charlie: Box) -> None:
    offer = LND | {"tls_certificate": PRIVATE_KEY + CERTIFICATE}
    assert api.put(path_of(charlie, "lnd"), offer, token=make_api_key(charlie)).status == 200
    with enter_tenant(charlie.tenant):
        access = read_credential(Service.LND)
    assert access == ServerAccess(LND["url"], MACAROON, CERTIFICATE)


def test_a_certificate_may_be_named_by_its_digest(api: ApiClient, charlie: Box) -> None:
    digest = "AB:" * 31 + "cd"
    offer = LND | {"tls_certificate": f"sha256:{digest}"}
    assert api.put(path_of(charlie, "lnd"), offer, token=make_api_key(charlie)).status == 200
    with enter_tenant(charlie.tenant):
        access = read_credential(Service.LND)
    assert access == ServerAccess(LND["url"], MACAROON, "sha256:" + "ab" * 31 + "cd")


@cases(UNFIT)
def test_what_opens_no_such_service_is_refused_with_a_pointer_and_not_repeated(
    api: ApiClient, charlie: Box, case: tuple[str, dict[str, Any], str, int]
) -> None:
    (service, offer, pointer, status), token = case, make_api_key(charlie)
    answer = api.put(path_of(charlie, service), offer, token=token)
    assert_refused_at(answer, pointer, status=status)
    assert MACAROON.encode() not in answer.raw
    assert read_all(api, charlie, token)[service]["set_at"] is None


def test_a_hint_is_shown_of_long_secrets_only(api: ApiClient, charlie: Box) -> None:
    token = make_api_key(charlie)
    api.put(path_of(charlie, "openai"), {"secret": "x" * 20 + "tail"}, token=token)
    api.put(path_of(charlie, "amboss"), {"secret": "x" * 19 + "tail"}, token=token)
    found = read_all(api, charlie, token)
    assert (found["openai"]["hint"], found["amboss"]["hint"]) == ("tail", None)
    assert list(found) == ["lnd", "cln", "lnbits", "sparkseer", "amboss", "openai", "telegram"]
    assert found["lnd"] == {"set_at": None, "last_used_at": None, "hint": None, "connection": None}


def test_who_replaces_one_says_which(api: ApiClient, charlie: Box) -> None:
    token, path = make_api_key(charlie), path_of(charlie, "openai")
    assert_problem(api.call("PUT", path, OPENAI, token=token), 428)
    empty = api.get(path, token=token).headers["ETag"]
    first = api.put(path, OPENAI, token=token, **{"If-Match": empty})
    assert first.status == 200
    assert_problem(api.put(path, {"secret": "other"}, token=token, **{"If-Match": empty}), 412)
    assert api.put(path, {"secret": "new"}, token=token, **{"If-Match": first.headers["ETag"]}).status == 200
    with enter_tenant(charlie.tenant):
        access = read_credential(Service.OPENAI)
        entries = [entry for entry in JournalEntry.objects.order_by("id") if entry.kind == "credential"]
    assert access is not None
    assert access.secret == "new"
    assert [entry.detail.text for entry in entries] == ["The credential of openai was set"] * 2
    assert all(str(entry.detail.facts["actor"]).startswith("api-key:") for entry in entries)


def test_a_deleted_one_is_gone_and_deleting_it_again_is_harmless(api: ApiClient, charlie: Box) -> None:
    token, path = make_api_key(charlie), path_of(charlie, "openai")
    api.put(path, OPENAI, token=token)
    assert [api.call("DELETE", path, token=token).status for _ in range(2)] == [204, 204]
    assert read_all(api, charlie, token)["openai"]["set_at"] is None
    with enter_tenant(charlie.tenant):
        assert read_credential(Service.OPENAI) is None
        told = [entry.detail.text for entry in JournalEntry.objects.all()]
    assert told.count("The credential of openai was deleted") == 1


@pytest.mark.parametrize("service", ["", "other", "LND", "lnd%00", "..", "%ff", "x" * 10_000])
def test_a_service_that_is_none_is_not_found(api: ApiClient, charlie: Box, service: str) -> None:
    token, path = make_api_key(charlie), path_of(charlie, service)
    answers = [api.get(path, token=token), api.put(path, OPENAI, token=token), api.call("DELETE", path, token=token)]
    assert [answer.status for answer in answers] == [404] * 3


def test_neither_a_box_nor_who_only_reads_writes_any(api: ApiClient, charlie: Box) -> None:
    path = path_of(charlie, "openai")
    api.put(path, OPENAI, token=make_api_key(charlie))
    refused = {api.token_of(charlie): "owner-only", make_api_key(charlie, scopes=("read",)): "scope-missing"}
    for token, problem in refused.items():
        for answer in (api.put(path, {"secret": "theirs"}, token=token), api.call("DELETE", path, token=token)):
            assert_problem(answer, 403)
            assert answer.json["type"].endswith(f"/{problem}")
    with enter_tenant(charlie.tenant):
        access = read_credential(Service.OPENAI)
    assert access is not None
    assert access.secret == OPENAI["secret"]


def test_bob_cannot(api: ApiClient, alice: Box, bob: Box) -> None:
    path, bobs = path_of(alice, "openai"), make_api_key(bob)
    api.put(path, OPENAI, token=make_api_key(alice))
    answers = [
        api.get(alice.path("credentials"), token=bobs),
        api.get(path, token=bobs),
        api.put(path, {"secret": "bobs"}, token=bobs),
        api.call("DELETE", path, token=bobs),
    ]
    assert [answer.status for answer in answers] == [404] * 4
    assert {item["set_at"] for item in read_all(api, bob, bobs).values()} == {None}
    with enter_tenant(alice.tenant):
        access = read_credential(Service.OPENAI)
    assert access is not None
    assert access.secret == OPENAI["secret"]


def test_an_operator_who_broke_the_glass_sees_none(api: ApiClient, charlie: Box) -> None:
    api.put(path_of(charlie, "openai"), OPENAI, token=make_api_key(charlie))
    operator = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    glass = f"/api/v1/provisioning/devices/{charlie.dazbox.id}/break-glass"
    assert api.post(glass, {"reason": "asked to look into it"}, token=operator).status == 201
    assert api.get(charlie.path("mode"), token=operator).status == 200
    for rest in ("credentials", "credentials/openai"):
        answer = api.get(charlie.path(rest), token=operator)
        assert_problem(answer, 403)
        assert OPENAI["secret"][-4:].encode() not in answer.raw
    journal = api.get(charlie.path("journal"), token=operator).raw
    assert b"The credential of openai was set" in journal
    assert OPENAI["secret"][-8:].encode() not in journal


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Every line the process would log, as it would."""
    [handler] = [h for h in logging.getLogger().handlers if isinstance(h.formatter, ProcessorFormatter)]
    lines = io.StringIO()
    monkeypatch.setattr(handler, "stream", lines)
    caplog.set_level(logging.DEBUG)
    return lines


def test_no_log_line_holds_one_not_even_of_a_fault(api: ApiClient, charlie: Box, logged: io.StringIO) -> None:
    token, path = make_api_key(charlie), path_of(charlie, "lnd")
    api.client.raise_request_exception = False
    offers = [LND, LND | {"url": "https://10.0.0.1"}, LND | {"secret": MACAROON + "\n"}]
    statuses = [api.put(path, offer, token=token).status for offer in offers]
    with use_schema(charlie.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE nodes_credential ADD CHECK (false) NOT VALID")
    statuses += [api.put(path, LND, token=token).status]
    assert statuses == [200, 422, 400, 500]
    lines = logged.getvalue()
    assert "IntegrityError" in lines
    assert all(json.loads(line) for line in lines.splitlines())
    assert not [text for text in (MACAROON, LND["url"], "lnd.alice") if text in lines]
