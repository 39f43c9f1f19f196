"""Kept answers are their box's own, sealed with its key; with another key they are made again."""

import redis
from django.conf import settings

from tenants.context import enter_tenant
from tenants.sealing.answers import find_or_make_answer
from tenants.sealing.tenant import add_generation, replace_keys
from tests.factories import Box

WORD = b"what only this box knows"


def find(box: Box, made: list[bytes]) -> tuple[bytes, bool]:
    with enter_tenant(box.tenant):
        found = find_or_make_answer("node_info", "all", make=lambda: made.append(WORD) or WORD)  # type: ignore[func-returns-value]
    return found.value, found.is_hit


def test_an_answer_is_kept_sealed_and_its_boxs_own(alice: Box, bob: Box) -> None:
    made: list[bytes] = []
    assert [find(box, made) for box in (alice, alice, bob)] == [(WORD, False), (WORD, True), (WORD, False)]
    assert made == [WORD] * 2
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        names = list(client.scan_iter(f"dazbox:answers:entry:{alice.tenant.id}:*"))
        held = [value for name in names for value in client.hgetall(name).values()]
    assert held
    assert not any(WORD in value for value in held)


def test_a_newer_key_opens_what_the_older_sealed(alice: Box) -> None:
    made: list[bytes] = []
    find(alice, made)
    add_generation(alice.tenant.id)
    assert find(alice, made) == (WORD, True)


def test_what_a_destroyed_key_sealed_is_made_again(alice: Box) -> None:
    made: list[bytes] = []
    find(alice, made)
    replace_keys(alice.tenant.id)
    assert find(alice, made) == (WORD, False)
    assert find(alice, made) == (WORD, True)
    assert len(made) == 2
