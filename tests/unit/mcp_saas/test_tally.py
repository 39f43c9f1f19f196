"""How systems outside fare is counted for all processes, and told in the words of the health's contract."""

import secrets
from collections import Counter

import pytest
from django.conf import settings

from mcp_saas.api.outside import judge
from mcp_saas.kit.tally import RECENT, Tallied, Tally
from tests.api.case import cases

UP, DOWN = True, False


@pytest.fixture
def namespace() -> str:
    return f"test-{secrets.token_hex(8)}"


def test_what_one_process_notes_another_reads(namespace: str) -> None:
    one, other = Tally(settings.ENV.redis_url, namespace), Tally(settings.ENV.redis_url, namespace)
    one.note("sparkseer", Counter(answered=1, unusable_fields=3), is_up=True)
    other.note("sparkseer", Counter(timeout=1), is_up=False)
    one.note("lnbits", Counter(answered=1), is_up=True)
    expected = Tallied({"answered": 1, "timeout": 1, "unusable_fields": 3}, (False, True))
    assert one.read("sparkseer") == other.read("sparkseer") == expected
    assert one.read("amboss") == Tallied({}, ())


def test_the_last_twenty_calls_are_remembered(namespace: str) -> None:
    tally = Tally(settings.ENV.redis_url, namespace)
    for number in range(RECENT + 5):
        tally.note("openai", Counter(answered=1), is_up=number >= 5)
    read = tally.read("openai")
    assert read == Tallied({"answered": RECENT + 5}, (True,) * RECENT)


def test_without_redis_nothing_is_counted_and_nothing_fails() -> None:
    now_s = [0.0]
    tally = Tally("redis://127.0.0.1:9/0", "test", clock=lambda: now_s[0])
    for now_s[0] in (0, 1, 6):
        tally.note("openai", Counter(answered=1), is_up=True)
        assert tally.read("openai") is None


@cases({
    "nobody was called": ((), False, "not_configured"),
    "nobody was called, though there is a key": ((), True, "connected"),
    "all answered": ((UP,) * 20, True, "connected"),
    "one failed": ((DOWN,) + (UP,) * 19, False, "connected"),
    "a quarter failed": ((DOWN,) * 5 + (UP,) * 15, False, "degraded"),
    "the last one answered again": ((UP,) + (DOWN,) * 19, False, "degraded"),
    "all failed": ((DOWN,) * 3, False, "disconnected"),
})
def test_a_state_is_told_by_the_last_calls(case: tuple[tuple[bool, ...], bool, str]) -> None:
    recent, has_key, state = case
    assert judge(Tallied({}, recent), has_key=has_key) == state


def test_while_redis_is_away_a_key_is_all_that_is_known() -> None:
    assert [judge(None, has_key=has_key) for has_key in (False, True)] == ["not_configured", "connected"]
