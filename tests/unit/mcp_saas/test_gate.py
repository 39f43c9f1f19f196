"""So many at once, so many of one key, and places are given back however their holders leave."""

from contextlib import ExitStack

import pytest

from mcp_saas.kit.gate import Gate


def test_beyond_its_places_and_beyond_one_keys_nobody_enters() -> None:
    gate: Gate[str] = Gate(places=3, each=2)
    with ExitStack() as stack:
        entered = [stack.enter_context(gate.enter(key)) for key in ("alice", "alice", "alice", "bob", "charlie")]
    assert entered == [True, True, False, True, False]
    with gate.enter("charlie") as is_in:
        assert is_in


def test_who_fails_inside_leaves_a_place() -> None:
    gate: Gate[str] = Gate(places=1, each=1)
    with pytest.raises(ZeroDivisionError), gate.enter("alice"):
        1 / 0  # noqa: B018 - it fails
    with gate.enter("bob") as is_in, gate.enter("alice", wait_s=0.01) as is_second_in:
        assert (is_in, is_second_in) == (True, False)
