"""Providers that fail in every way: an error of ours, in time, without the key in it; tried again where it may help."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings

from mcp_saas.kit.cache import Cache
from mcp_saas.kit.http import Guard
from nodes.sources.driver.errors import Fault
from nodes.sources.driver.retry import Patience
from nodes.sources.provider import exchange
from nodes.sources.provider.protocol import BudgetSpentError, ProviderError, Question, RestingError
from nodes.sources.provider.rest import Rests
from tests.api.case import cases
from tests.fakes.json_server import PATIENCE_S, JsonServer, Reply
from tests.fakes.lnd_rest import make_tls
from tests.fakes.provider_server import FAILURES, KEY, ProviderServer
from tests.faults.embedded_instance import eventually
from tests.unit.nodes.providing import FIRST, QUESTIONS, make_way, put, serving

WITHIN_S = 1.5
ATTEMPTS = 3
# What each failure is to us, and how often we ask.
EXPECTED = {
    "hang": (Fault.TIMEOUT, None),
    "slow trickle": (Fault.TIMEOUT, None),
    "flood": (Fault.GARBLED, 1),
    "gzip bomb": (Fault.GARBLED, 1),
    "429 with Retry-After": (Fault.UNAVAILABLE, 1),
    "429": (Fault.UNAVAILABLE, ATTEMPTS),
    "500": (Fault.UNAVAILABLE, ATTEMPTS),
    "503": (Fault.UNAVAILABLE, ATTEMPTS),
    "HTML": (Fault.GARBLED, 1),
    "truncated": (Fault.GARBLED, 1),
    "deep": (Fault.GARBLED, 1),
    "null": (Fault.GARBLED, 1),
    "empty": (Fault.GARBLED, 1),
    "list": (Fault.GARBLED, 1),
    "NaN": (Fault.GARBLED, 1),
    "redirect inside": (Fault.SETTING, 1),
    "401": (Fault.FORBIDDEN, 1),
    "403": (Fault.FORBIDDEN, 1),
}


def refuse(question: Question[Any], way: exchange.Way) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        put(question, way)
    assert KEY not in str(caught.value)
    assert KEY not in repr(way)
    return caught.value


def test_every_failure_has_its_line() -> None:
    assert set(FAILURES) - set(EXPECTED) == {"wrong types"}


@cases({f"{kind} of {name}": (kind, question) for kind in EXPECTED for name, question in FIRST.items()})
def test_a_failure_is_an_error_of_ours_in_time(case: tuple[str, Question[Any]]) -> None:
    kind, question = case
    fault, calls = EXPECTED[kind]
    with serving(question) as server:
        server.fail(kind)
        began_s = time.monotonic()
        error = refuse(question, make_way(server, within_s=WITHIN_S if fault is Fault.TIMEOUT else PATIENCE_S))
        took_s = time.monotonic() - began_s
    assert (error.fault, took_s < PATIENCE_S) == (fault, True)
    assert calls is None or len(server.calls) == calls


@cases(QUESTIONS)
def test_an_answer_of_wrong_types_alone_crashes_nothing(case: Question[Any]) -> None:
    with serving(case) as server:
        server.fail("wrong types")
        try:
            given = put(case, make_way(server))
        except ProviderError as error:
            assert error.fault in {Fault.GARBLED, Fault.REFUSED}  # noqa: PT017 - either is right, by what is left
        else:
            assert {lack.why for lack in given.lacks} == {"unusable"}


@cases(FIRST)
def test_what_may_pass_is_tried_again(case: Question[Any]) -> None:
    with serving(case) as server:
        server.fail("500", times=ATTEMPTS - 1)
        assert put(case, make_way(server)).value is not None
    assert len(server.calls) == ATTEMPTS


def test_pauses_grow_by_chance_and_wait_for_what_the_other_side_asks() -> None:
    pauses: list[float] = []
    patience = Patience(pause=pauses.append, dice=lambda: 0.5, budget_s=600)
    with serving(QUESTIONS["wallet"]) as server:
        server.fail("500", times=2)
        put(QUESTIONS["wallet"], make_way(server, patience=patience))
        server.fail("429 with Retry-After", times=1)
        put(QUESTIONS["wallet"], make_way(server, patience=patience))
    assert pauses == [0.1875, 0.375, 120.0]


def test_who_failed_is_left_alone_for_a_while_by_that_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(exchange, "rests", Rests(lambda: now_s[0]))
    with serving(QUESTIONS["wallet"]) as server:
        way = make_way(server)
        server.fail("429 with Retry-After", times=1)
        refuse(QUESTIONS["wallet"], way)
        for later_s in (0, 119):
            now_s[0] = 1000 + later_s
            assert isinstance(refuse(QUESTIONS["wallet"], way), RestingError)
        assert len(server.calls) == 1
        assert put(QUESTIONS["wallet"], make_way(server)).value is not None
        now_s[0] = 1121
        assert put(QUESTIONS["wallet"], way).value is not None


def test_one_boxs_bad_key_is_no_outage() -> None:
    with serving(QUESTIONS["network_view"]) as server:
        shared = "all boxes"
        for _ in range(10):
            refuse(QUESTIONS["network_view"], make_way(server, shared=shared, secret="wrong"))
        assert put(QUESTIONS["network_view"], make_way(server, shared=shared)).value is not None


def test_an_outage_is_noticed_once_for_all_boxes() -> None:
    with serving(QUESTIONS["network_view"]) as server:
        server.fail("503")
        ways = [make_way(server, shared=server) for _ in range(20)]
        errors = [refuse(QUESTIONS["network_view"], way) for way in ways]
    assert [isinstance(error, RestingError) for error in errors] == [False] * 5 + [True] * 15
    assert len(server.calls) == 5 * ATTEMPTS


def test_each_attempt_costs_a_call_of_the_budget() -> None:
    left = [2]

    def spend() -> bool:
        left[0] -= 1
        return left[0] >= 0

    with serving(QUESTIONS["wallet"]) as server:
        server.fail("500")
        error = refuse(QUESTIONS["wallet"], make_way(server, spend=spend))
    assert (isinstance(error, BudgetSpentError), len(server.calls)) == (True, 2)


@cases({
    "loopback": "http://127.0.0.1:{port}",
    "loopback over TLS": "https://127.0.0.1:8443",
    "metadata": "https://169.254.169.254",
    "a name that leads inside": "https://localhost",
    "another port": "https://203.0.113.9:9200",
    "no address": "https://",
    "a file": "file:///etc/passwd",
})
def test_no_address_leads_inside(case: str) -> None:
    with ProviderServer("lnbits") as server:
        way = make_way(server, address=case.format(port=server.port), guard=Guard())
        error = refuse(QUESTIONS["wallet"], way)
        assert server.calls == []
    assert error.fault is Fault.SETTING
    assert "169.254" not in str(error)


def test_a_hundred_who_want_it_at_once_make_one_call() -> None:
    cache = Cache(settings.ENV.redis_url, f"test-{uuid.uuid4()}")
    question = QUESTIONS["suggested_fees"]
    with serving(question) as server:
        way = make_way(server)

        def want(_: int) -> bytes:
            return cache.get_or_make("sparkseer", "a box", arguments=question.request, make=make).value

        def make() -> bytes:
            assert eventually(lambda: (cache.read_statistics() or {})["sparkseer"].misses == 100)
            return msgspec.msgpack.encode(put(question, way).value)

        with ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(want, range(100)))
    assert (len(server.calls), len(answers), len(set(answers))) == (1, 100, 1)


def test_nobody_there_is_nobody_there() -> None:
    with ProviderServer("lnbits") as server:
        way = make_way(server)
    assert refuse(QUESTIONS["wallet"], way).fault is Fault.UNREACHABLE


def test_a_wallet_lnbits_does_not_know_is_a_wrong_key() -> None:
    with serving(QUESTIONS["wallet"]) as server:
        error = refuse(QUESTIONS["wallet"], make_way(server, secret="another"))
    assert (error.fault, error.permanent) == (Fault.FORBIDDEN, True)


def test_a_node_sparkseer_does_not_know_is_no_reason_to_rest() -> None:
    with serving(QUESTIONS["network_view"]) as server:
        way = make_way(server)
        unknown = msgspec.structs.replace(
            QUESTIONS["network_view"], request=msgspec.structs.replace(QUESTIONS["network_view"].request, path="/x")
        )
        assert refuse(unknown, way).fault is Fault.REFUSED
        assert put(QUESTIONS["network_view"], way).value is not None


def test_a_server_with_another_certificate_gets_no_key(tmp_path: Path) -> None:
    pinned = tmp_path / "pinned.cert"
    make_tls(pinned)
    with JsonServer(lambda _: Reply(body={"balance": 1}), tls=make_tls(tmp_path / "own.cert")) as server:
        guard = Guard(trusted=frozenset({("127.0.0.1", server.port)}))
        address = f"https://127.0.0.1:{server.port}"
        way = make_way(server, address=address, guard=guard, certificate=pinned.read_text())
        error = refuse(QUESTIONS["wallet"], way)
        assert (error.fault, server.calls) == (Fault.CERTIFICATE, [])
        right = (tmp_path / "own.cert").read_text()
        way = make_way(server, address=address, guard=guard, certificate=right)
        assert put(QUESTIONS["wallet"], way).value is not None
