"""Failures of Qdrant, in our words and with the decision what to do, over a real socket."""

from collections.abc import Iterator

import pytest

from mcp_saas.kit.breaker import FAILURES, Breaker
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import REST_S, Border, open_border
from rag.sources.qdrant.errors import StoreError, StoreRefusedError, StoreUnavailableError
from rag.sources.qdrant.point import Query
from rag.sources.qdrant.store import Store
from tests.clock import Clock
from tests.fakes.json_server import Call, JsonServer, Reply
from tests.points import make_model

SECRET = "a-key-that-nobody-sees"
WELL = Reply(body={"result": {"collections": []}, "status": "ok", "time": 0.0})


class Qdrant:
    """Answers with `reply`, whatever is asked."""

    reply = WELL

    def respond(self, _: Call) -> Reply:
        return self.reply


@pytest.fixture
def qdrant() -> Qdrant:
    return Qdrant()


@pytest.fixture
def server(qdrant: Qdrant) -> Iterator[JsonServer]:
    with JsonServer(qdrant.respond) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def border(server: JsonServer, clock: Clock) -> Iterator[Border]:
    border = open_border(f"http://127.0.0.1:{server.port}", SECRET)
    border.breaker = Breaker(rest_s=REST_S, clock=clock)
    yield border
    border.close()


def ask(border: Border) -> object:
    return border.call(lambda raw: raw.get_collections())


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(status=500, body={"status": {"error": "disk full"}}), StoreUnavailableError, "500: disk full"),
        (Reply(status=503, body=b"<html>no</html>"), StoreUnavailableError, "no reason that can be read"),
        (Reply(status=429, body={}, headers={"Retry-After": "7"}), StoreUnavailableError, "asks for a pause"),
        (Reply(status=401, body=b"no"), StoreRefusedError, "QDRANT_API_KEY"),
        (Reply(status=400, body={"status": {"error": "bad filter"}}), StoreRefusedError, "400: bad filter"),
        (Reply(body=b"<html>a proxy</html>"), StoreUnavailableError, "is QDRANT_URL right"),
        (Reply(body=b"\xff\xfe\x00"), StoreUnavailableError, "is QDRANT_URL right"),
        (Reply(body=b"[" * 100_000), StoreUnavailableError, "is QDRANT_URL right"),
        (Reply(body={"result": {"collections": 7}}), StoreUnavailableError, "is QDRANT_URL right"),
    ],
)
def test_an_answer_that_is_no_success_becomes_an_error_of_ours(
    border: Border, qdrant: Qdrant, reply: Reply, error: type[StoreError], words: str
) -> None:
    qdrant.reply = reply
    with pytest.raises(error, match=words) as raised:
        ask(border)
    assert SECRET not in str(raised.value)
    assert raised.value.permanent == (error is StoreRefusedError)
    assert raised.value.retry_after_s == (7 if reply.status == 429 else None)


def test_after_five_failures_nothing_is_sent_and_it_recovers_within_thirty_seconds(
    border: Border, server: JsonServer, qdrant: Qdrant, clock: Clock
) -> None:
    qdrant.reply = Reply(status=500)
    for _ in range(FAILURES + 3):
        with pytest.raises(StoreUnavailableError):
            ask(border)
    assert len(server.calls) == FAILURES
    qdrant.reply = WELL
    clock.now_s += 30
    ask(border)
    ask(border)
    assert len(server.calls) == FAILURES + 2


def test_refusals_open_no_breaker(border: Border, server: JsonServer, qdrant: Qdrant) -> None:
    qdrant.reply = Reply(status=400)
    for _ in range(3 * FAILURES):
        with pytest.raises(StoreRefusedError):
            ask(border)
    assert len(server.calls) == 3 * FAILURES


def test_a_server_that_is_not_there_is_said_to_be(server: JsonServer) -> None:
    border = open_border("http://127.0.0.1:9", None)
    with pytest.raises(StoreUnavailableError, match="not reachable"):
        ask(border)
    border.close()


def test_a_key_does_not_travel_in_the_clear() -> None:
    with pytest.raises(StoreRefusedError, match="https://"):
        open_border("http://qdrant.example:6333", SECRET)


def test_a_server_too_old_to_keep_idf_within_a_tenant_is_refused(border: Border, qdrant: Qdrant) -> None:
    qdrant.reply = Reply(body={"title": "qdrant", "version": "1.18.4"})
    with pytest.raises(StoreRefusedError, match=r"1\.19"):
        Store(border, prefix="kb", model=make_model()).count(scope.shared())


GARBAGE = (
    {"result": None, "status": "ok", "time": 0},
    {"result": [{"points": [{"id": 1, "version": 1, "score": 1.0, "payload": {"tenant": "__shared__"}}]}]},
    {"result": [{"points": []}, {"points": []}]},
    {"result": {"points": [{"id": 1, "version": 1, "score": "x", "payload": {"tenant": "other"}}]}},
)


@pytest.mark.parametrize("body", GARBAGE)
def test_answers_that_are_no_points_of_ours_are_a_store_that_does_not_answer(
    knowledge_url: str, knowledge_key: str, qdrant: Qdrant, server: JsonServer, body: object
) -> None:
    alive, garbled = open_border(knowledge_url, knowledge_key), open_border(f"http://127.0.0.1:{server.port}", None)
    store = Store(alive, prefix="test-garbage", model=make_model())
    assert store.collection
    store._border = garbled
    qdrant.reply = Reply(body=body)
    with pytest.raises(StoreUnavailableError):
        store.search(scope.shared(), [Query(terms={1: 1.0})])
    alive.close()
    garbled.close()
