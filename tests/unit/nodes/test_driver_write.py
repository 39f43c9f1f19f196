"""A policy is written whole, once, and never over somebody else's change."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nodes.sources.driver.driver import Outcome, PolicyWrite
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.write import settle_write

OLD = Policy(base_fee_msat=1000, fee_rate_ppm=250, time_lock_delta=80, min_htlc_msat=1000, max_htlc_msat=10**9)
NEW = replace(OLD, fee_rate_ppm=300)
WRITE = PolicyWrite(short_channel_id="800000x7x1", channel_point=None, policy=NEW, expected_policy=OLD)


class Node:
    """Shows `policy`; `failure` is what the write ends with, `takes` whether it happened all the same."""

    def __init__(self, policy: Policy, *, failure: NodeError | None = None, takes: bool = True) -> None:
        self.policy, self.failure, self.takes = policy, failure, takes
        self.writes = 0

    def send(self, policy: Policy) -> Callable[[], None]:
        def write() -> None:
            self.writes += 1
            if self.takes:
                self.policy = policy
            if self.failure is not None:
                raise self.failure

        return write


def settle(node: Node, write: PolicyWrite = WRITE) -> tuple[Outcome, Policy | None]:
    result = settle_write(write, node.policy, send=node.send(write.policy), read=lambda: node.policy)
    return result.outcome, result.policy


def test_a_policy_that_is_expected_is_replaced_and_read_back() -> None:
    node = Node(OLD)

    assert settle(node) == (Outcome.WRITTEN, NEW)
    assert node.writes == 1


def test_a_policy_that_is_there_already_is_not_written_again() -> None:
    node = Node(NEW)

    assert settle(node) == (Outcome.WRITTEN, NEW)
    assert node.writes == 0


def test_a_policy_that_somebody_changed_is_left_alone() -> None:
    owners = replace(OLD, base_fee_msat=5)
    node = Node(owners)

    assert settle(node) == (Outcome.CHANGED, owners)
    assert node.writes == 0


def test_a_channel_that_its_node_switched_off_meanwhile_is_not_a_change() -> None:
    node = Node(replace(OLD, disabled=True))

    outcome, _ = settle(node)
    assert outcome == Outcome.WRITTEN


def test_switching_off_is_compared_where_it_is_wanted() -> None:
    off = replace(WRITE, policy=replace(OLD, disabled=True))

    assert settle(Node(OLD), off) == (Outcome.WRITTEN, replace(OLD, disabled=True))
    assert settle(Node(replace(OLD, disabled=True)), off)[0] == Outcome.WRITTEN
    assert settle(Node(replace(NEW, disabled=True)), off)[0] == Outcome.CHANGED


def test_a_write_that_stopped_before_switching_off_is_ours_to_finish() -> None:
    node = Node(NEW)
    both = replace(WRITE, policy=replace(NEW, disabled=True))

    assert settle(node, both) == (Outcome.WRITTEN, replace(NEW, disabled=True))
    assert node.writes == 1


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.BROKEN, Fault.UNAVAILABLE])
def test_a_lost_answer_is_settled_by_what_the_node_shows(fault: Fault) -> None:
    assert settle(Node(OLD, failure=NodeError("lost", fault=fault))) == (Outcome.WRITTEN, NEW)


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.UNREACHABLE, Fault.FORBIDDEN, Fault.LOCKED])
def test_a_write_that_did_not_happen_is_raised_to_be_tried_again(fault: Fault) -> None:
    node = Node(OLD, failure=NodeError("lost", fault=fault), takes=False)

    with pytest.raises(NodeError, match="lost"):
        settle(node)
    node.failure, node.takes = None, True
    assert settle(node) == (Outcome.WRITTEN, NEW)


def test_a_refusal_is_an_answer_and_keeps_the_nodes_words() -> None:
    node = Node(OLD, failure=NodeError("too small", fault=Fault.REFUSED), takes=False)

    result = settle_write(WRITE, OLD, send=node.send(NEW), read=lambda: node.policy)
    assert (result.outcome, result.policy, result.reason) == (Outcome.REFUSED, OLD, "too small")
    assert not result.is_done


def test_a_node_that_shows_the_old_policy_after_taking_the_new_one_is_not_believed_either_way() -> None:
    result = settle_write(WRITE, OLD, send=lambda: None, read=lambda: OLD)

    assert (result.outcome, result.policy) == (Outcome.UNCONFIRMED, OLD)
    assert result.is_done
