"""Sessions of legacy clients: each tenant's are its own, whatever another does with his."""

from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.engine.era import Client
from bridge.gateway.door.caller import Caller
from bridge.gateway.session import MOST_OF_TENANT, Session, Sessions

CLIENT = Client("2025-11-25")


def make_caller(number: int) -> Caller:
    return Caller("box", UUID(int=number), frozenset({"read"}), "", "token", float("inf"))


def test_a_tenant_that_opens_session_after_session_ends_its_own_alone() -> None:
    ended: list[Session] = []
    sessions = Sessions(AESGCM(bytes(32)), on_end=ended.append)
    alice, mallory = make_caller(1), make_caller(2)
    hers = sessions.begin(alice, None, client=CLIENT)
    his = [sessions.begin(mallory, None, client=CLIENT) for _ in range(MOST_OF_TENANT)]
    assert sessions.find(his[0].id, mallory, server=None) is his[0]  # used: now the second is the oldest
    sessions.begin(mallory, None, client=CLIENT)
    assert ended == [his[1]]
    assert len(sessions) == MOST_OF_TENANT + 1
    assert sessions.find(hers.id, alice, server=None) is hers


def test_a_session_that_has_ended_does_not_come_back_under_another_spelling_of_its_id() -> None:
    sessions = Sessions(AESGCM(bytes(32)), on_end=lambda _: None)
    alice = make_caller(1)
    session = sessions.begin(alice, None, client=CLIENT)
    assert sessions.find(session.id + "!", alice, server=None) is None
    sessions.end(session)
    for spelling in (session.id, session.id + "=", f"{session.id[:8]}\n{session.id[8:]}", f"{session.id}!!!!"):
        assert sessions.find(spelling, alice, server=None) is None
    assert len(sessions) == 0
