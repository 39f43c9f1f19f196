"""What several gateways see of a server is one picture of it."""

from bridge.engine.observed import Condition
from bridge.manager.seen import observe, read_gateways
from tests.db.bridge.gateways import make_connection, make_gateway, make_seen, tell


def test_nobody_has_told_of_it() -> None:
    assert observe("echo") is None
    tell(make_gateway("a"))
    assert observe("echo") is None


def test_two_gateways_are_added_up() -> None:
    tell(make_gateway("a", make_seen("echo", revision=2, quarantined=("x",), last_error="old", last_error_at=1.0)))
    older = make_connection(since=5.0, rss_bytes=None, cpu_s=0.5)
    tell(make_gateway("b", make_seen("echo", connections=(older,), last_error="new", last_error_at=2.0)))
    seen = observe("echo")
    assert seen is not None
    assert (seen.condition, seen.revision, seen.since) == (Condition.READY, 1, 5.0)
    assert (seen.calls, seen.errors, seen.rss_bytes, seen.cpu_s) == (20, 4, 50 << 20, 2.0)
    assert (seen.last_error, seen.quarantined, seen.capabilities) == ("new", ("x",), {"tools": {}})
    assert [view.instance for view in seen.gateways] == ["a", "b"]


def test_ready_here_and_failing_there_is_degraded() -> None:
    tell(make_gateway("a", make_seen("echo")))
    tell(make_gateway("b", make_seen("echo", condition=Condition.CRASH_LOOP)))
    seen = observe("echo")
    assert seen is not None
    assert seen.condition is Condition.DEGRADED


def test_a_gateway_that_drains_counts_only_while_it_is_alone() -> None:
    tell(make_gateway("old", make_seen("echo", condition=Condition.DRAINING), is_draining=True))
    alone = observe("echo")
    tell(make_gateway("new", make_seen("echo", revision=3)))
    both = observe("echo")
    assert alone is not None
    assert both is not None
    assert (alone.condition, both.condition, both.revision) == (Condition.DRAINING, Condition.READY, 3)


def test_what_was_measured_by_nobody_is_not_known() -> None:
    tell(make_gateway("a", make_seen("echo", connections=(make_connection(rss_bytes=None, cpu_s=None),), tools=None)))
    seen = observe("echo")
    assert seen is not None
    assert (seen.rss_bytes, seen.cpu_s, seen.tools) == (None, None, None)


def test_a_gateway_of_another_release_hides_no_other(empty_board: object) -> None:
    tell(make_gateway("a", make_seen("echo")))
    empty_board.set("dazbox:mcp:seen:b", b'{"instance":1}')  # type: ignore[attr-defined]
    assert [gateway.instance for gateway in read_gateways()] == ["a"]
