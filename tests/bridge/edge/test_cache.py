"""Answers are kept for a while, for whom they are, within bounds, and never past a change."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.gateway.cache import OVERHEAD_BYTES, Answers, make_key

ALICE, BOB = UUID(int=1), UUID(int=2)


def make(max_bytes: int = 1 << 20) -> tuple[Answers, list[float]]:
    clock = [100.0]
    return Answers(max_bytes, clock=lambda: clock[0]), clock


def test_an_answer_is_found_until_its_time_is_over() -> None:
    answers, clock = make()
    answers.keep(b"key", b"body", ttl_s=10, server="home", tenant=ALICE)
    kept = answers.find(b"key")
    assert kept is not None
    assert (kept.body, kept.tenant) == (b"body", ALICE)
    clock[0] += 10
    assert answers.find(b"key") is None
    assert (answers.hits, answers.misses, answers.bytes) == (1, 1, 0)


def test_the_key_holds_all_that_makes_an_answer_anothers() -> None:
    keys = {
        make_key(server, method, params=params, tenant=tenant)
        for server in ("home", "hom", "e")
        for method in ("tools/list", "etools/list")
        for params in (b"{}", b'{"a":1}')
        for tenant in (ALICE, BOB, None)
    }
    assert len(keys) == 3 * 2 * 2 * 3


def test_what_changed_while_the_call_was_made_is_not_kept() -> None:
    answers, _ = make()
    epoch = answers.epoch("home")
    answers.drop("home")
    answers.keep(b"key", b"old", ttl_s=10, server="home", epoch=epoch)
    assert answers.find(b"key") is None


def test_a_servers_answers_go_and_the_others_stay() -> None:
    answers, _ = make()
    for server in ("home", "files"):
        for tenant in (ALICE, BOB):
            answers.keep(f"{server}{tenant}".encode(), b"", ttl_s=10, server=server, tenant=tenant)
    answers.drop("home", tenant=ALICE)
    assert answers.find(f"home{ALICE}".encode()) is None
    assert answers.find(f"home{BOB}".encode()) is not None
    answers.drop("home")
    assert answers.find(f"home{BOB}".encode()) is None
    assert answers.find(f"files{BOB}".encode()) is not None


def test_the_longest_unused_goes_first() -> None:
    answers, _ = make(4 * (100 + OVERHEAD_BYTES))
    for key in (b"a", b"b", b"c", b"d"):
        answers.keep(key, bytes(100), ttl_s=10, server="home")
    answers.find(b"a")
    answers.keep(b"e", bytes(100), ttl_s=10, server="home")
    assert answers.find(b"b") is None
    assert answers.find(b"a") is not None


@pytest.mark.parametrize(("size", "ttl_s"), [(10_000, 10), (10, 0), (10, -1)])
def test_what_is_too_large_or_holds_no_time_is_not_kept(size: int, ttl_s: float) -> None:
    answers, _ = make(20_000)
    answers.keep(b"key", bytes(size), ttl_s=ttl_s, server="home")
    assert answers.find(b"key") is None


STEP = st.tuples(st.sampled_from(["keep", "find", "drop", "wait"]), st.integers(0, 9), st.integers(0, 300))


@given(st.lists(STEP, max_size=80))
def test_the_bytes_are_true_and_within_bounds_whatever_happens(steps: list[tuple[str, int, int]]) -> None:
    answers, clock = make(3000)
    for what, number, size in steps:
        key, server = bytes([number]), f"server-{number % 3}"
        if what == "keep":
            answers.keep(key, bytes(size), ttl_s=1 + number, server=server, tenant=ALICE)
        elif what == "find":
            answers.find(key)
        elif what == "drop":
            answers.drop(server)
        else:
            clock[0] += size / 100
        assert answers.bytes == sum(len(kept.body) + OVERHEAD_BYTES for kept in answers._kept.values()) <= 3000
        assert set().union(*answers._by_server.values()) == set(answers._kept)
