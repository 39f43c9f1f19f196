"""kill -9 of the web process in the middle of a POST, then the same request again: one effect, one body (check 3).

A lock or a trigger in the database holds the process at the boundary. KILL_ROUNDS=50 makes it fifty kills.
"""

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import psycopg
import pytest

from tenants.models.claim import Claim
from tenants.tokens.access import mint_access_token
from tests.committed import find_blocked, other_session, run_together
from tests.conftest import ApiClient
from tests.faults.embedded_instance import eventually
from tests.faults.web_process import web_process

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("KILL_ROUNDS", "4"))  # noqa: TID251 - how long the test may take
CLAIMS = "/api/v1/provisioning/claims"
GATE = 4712
BOUNDARIES = {
    "before the work": "LOCK TABLE tenants_claim IN SHARE MODE",
    "work done, answer not stored": "LOCK TABLE api_storedanswer IN SHARE MODE",
    "committing both": "api_storedanswer",
    "committed, answer not sent": None,
}
TRIGGER = """
CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4712); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait_at_commit();
"""


@pytest.fixture
def shop(committed_db: None) -> str:
    return mint_access_token(subject=f"client:{uuid.uuid4()}", scopes=["provisioning"], tenant_id=None)


def send(url: str, token: str, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
    return httpx.post(url + CLAIMS, content=b'{"count": 3}', headers=headers, trust_env=False, timeout=90)


@contextmanager
def closed_gate(session: psycopg.Connection[Any], gate: str) -> Iterator[None]:
    """Whoever comes to the boundary waits until the end of the block."""
    if gate.startswith("LOCK"):
        with session.transaction():
            session.execute(gate)
            yield
        return
    session.execute("SELECT pg_advisory_lock(%s)", [GATE])
    session.execute(TRIGGER.format(gate))
    try:
        yield
    finally:
        session.execute("SELECT pg_advisory_unlock(%s)", [GATE])
        assert eventually(lambda: find_blocked(session) == [])
        session.execute("DROP FUNCTION wait_at_commit CASCADE")


def kill_at(gate: str | None, token: str, key: str) -> list[bytes]:
    """The bodies that reached the client before the kill: one at most."""
    with web_process() as web, other_session() as session, ThreadPoolExecutor(1) as pool:
        if gate is None:
            return [send(web.url, token, key).content]
        with closed_gate(session, gate):
            pending = pool.submit(send, web.url, token, key)
            assert eventually(lambda: find_blocked(session) != [])
            waiting = send(web.url, token, key)
            assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
            web.kill()
            with suppress(httpx.TransportError):
                return [pending.result().content]
        assert eventually(lambda: find_blocked(session) == [])
    return []


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_killed_in_the_middle_and_asked_again_there_is_one_effect_and_one_body(api: ApiClient, shop: str) -> None:
    kills = [list(BOUNDARIES.values())[number % len(BOUNDARIES)] for number in range(ROUNDS)]
    for number, gate in enumerate(kills, start=1):
        key = str(uuid.uuid4())
        bodies = kill_at(gate, shop, key)
        retries = [retry(api, shop, key) for _ in range(2)]
        assert len({*bodies, *retries}) == 1
        assert Claim.objects.filter(created_by__startswith="client:").count() == 3 * number


def retry(api: ApiClient, token: str, key: str) -> bytes:
    """As a client does: again while it is told that the first is in work."""
    answers: list[Any] = []

    def is_answered() -> bool:
        answers.append(api.post(CLAIMS, b'{"count": 3}', token=token, **{"Idempotency-Key": key}))
        return bool(answers[-1].status != 409)

    assert eventually(is_answered)
    assert answers[-1].status == 201
    return bytes(answers[-1].raw)


def test_of_eight_at_once_one_does_the_work(shop: str) -> None:
    key = str(uuid.uuid4())
    requests = [lambda: ApiClient().post(CLAIMS, {"count": 3}, token=shop, **{"Idempotency-Key": key})] * 8
    answers: list[Any] = run_together(requests)
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    assert len({answer.raw for answer in answers if answer.status == 201}) == 1
    assert Claim.objects.count() == 3
