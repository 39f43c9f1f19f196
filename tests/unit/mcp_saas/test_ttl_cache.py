"""A cache that is never older than it says and never larger."""

from mcp_saas.kit.ttl_cache import TtlCache
from tests.clock import Clock


def make_cache(max_entries: int = 3) -> tuple[TtlCache[str, int], Clock]:
    clock = Clock()
    return TtlCache(max_entries=max_entries, ttl_s=5, clock=clock), clock


def test_a_value_is_kept_for_its_time_and_not_longer() -> None:
    cache, clock = make_cache()
    cache.keep("a", 1)
    clock.now_s += 4.9
    assert cache.find("a") == 1
    clock.now_s += 0.1
    assert cache.find("a") is None


def test_the_age_of_what_loads_slowly_counts_from_the_question() -> None:
    cache, clock = make_cache()

    def load_slowly() -> int:
        clock.now_s += 4
        return 7

    assert cache.find_or_load("a", load_slowly) == 7
    clock.now_s += 1
    assert cache.find("a") is None


def test_what_is_kept_is_not_loaded_again_and_nothing_is_never_kept() -> None:
    cache, _ = make_cache()
    loaded: list[str] = []

    def load(name: str, value: int | None) -> int | None:
        loaded.append(name)
        return value

    for _ in range(2):
        assert cache.find_or_load("a", lambda: load("a", 1)) == 1
        assert cache.find_or_load("b", lambda: load("b", None)) is None
    assert loaded == ["a", "b", "b"]


def test_the_oldest_makes_room() -> None:
    cache, _ = make_cache(max_entries=3)
    for number, name in enumerate("abcd"):
        cache.keep(name, number)
    cache.keep("b", 9)
    cache.keep("e", 5)
    assert [cache.find(name) for name in "abcde"] == [None, 9, None, 3, 5]
    assert len(cache) == 3


def test_what_is_forgotten_is_asked_anew() -> None:
    cache, _ = make_cache()
    cache.keep("a", 1)
    cache.forget("a")
    cache.forget("never there")
    assert cache.find_or_load("a", lambda: 2) == 2
