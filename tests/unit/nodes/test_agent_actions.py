"""What the agent does with actions: each is written once, whatever ends it in between, and nothing late is."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.agent.act import WRITE_WITHIN_S, Actor
from nodes.agent.cloud import Cloud, open_cloud
from nodes.agent.config import read_config
from nodes.agent.device_key import read_device_key
from nodes.agent.errors import CloudError, HomeError
from nodes.agent.intent import INTENT_FILE, Intents
from nodes.agent.lock import lock_home
from nodes.agent.report import Reporter
from nodes.agent.session import Session
from nodes.sources.driver.driver import PolicyWrite, WriteResult
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.write import settle_write
from tests.fakes.box import Box, start_box
from tests.fakes.cloud import refuse

OWN = "02" + "ab" * 32
BEFORE = Policy(base_fee_msat=1000, fee_rate_ppm=250, time_lock_delta=80, min_htlc_msat=1000, max_htlc_msat=10**9)
WANTED = dataclasses.replace(BEFORE, fee_rate_ppm=300)
OTHER = dataclasses.replace(BEFORE, fee_rate_ppm=999)
LATER, EARLIER = "2100-01-01T00:00:00Z", "2020-01-01T00:00:00Z"


class Killed(BaseException):
    """The process ends here."""


class Node:
    """One channel of a node. `dies` is raised where it says, as kill -9 would end it there."""

    def __init__(self, policy: Policy = BEFORE) -> None:
        self.policy = policy
        self.writes = 0
        self.failure: NodeError | None = None
        self.dies = ""

    def apply(self, write: PolicyWrite) -> WriteResult:
        if self.dies == "before":
            raise Killed
        if self.failure is not None:
            raise self.failure
        result = settle_write(write, self.policy, send=lambda: self._take(write.policy), read=lambda: self.policy)
        if self.dies == "after":
            raise Killed
        return result

    def _take(self, policy: Policy) -> None:
        self.writes += 1
        self.policy = policy

    def graph_edge(self, short_channel_id: str) -> Any:
        return {"capacity_sat": 1, "policies": {OWN: self.policy.to_fields()}}


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with start_box(tmp_path) as made:
        assert made.claim() == 0
        yield made


@pytest.fixture
def act(box: Box) -> Callable[..., int]:
    """One round of a process that has just started."""

    def carry_out(node: Node, *, clock: Callable[[], float] = time.time) -> int:
        config = read_config(box.home)
        session = Session(open_cloud(config.cloud), device_id=config.device_id, key=read_device_key(box.home))
        cloud = Cloud(session, config.pubkey)
        try:
            return Actor(Intents.load(box.home), cloud, node, clock=clock).carry_out(OWN)  # type: ignore[arg-type]
        finally:
            session.close()

    return carry_out


def hand(box: Box, *names: str, expires_at: str = LATER) -> None:
    box.cloud.actions = [
        {
            "id": name,
            "channel": "800000x7x1",
            "expires_at": expires_at,
            "policy": WANTED.to_fields() | {"last_update": None},
            "expected_policy": BEFORE.to_fields(),
        }
        for name in names
    ]


def begun(box: Box) -> Any:
    return json.loads((box.home / INTENT_FILE).read_bytes())["begun"]


def test_an_action_is_written_and_reported_with_what_the_node_shows(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node()
    assert act(node) == 1
    [(name, result)] = box.cloud.results
    assert (name, result["success"], result["applied_policy"]) == ("a", True, WANTED.to_fields())
    assert node.writes == 1
    assert begun(box) == {}


@pytest.mark.parametrize("dies", ["before", "after"])
def test_killed_at_the_write_it_is_resumed_and_written_once(box: Box, act: Callable[..., int], dies: str) -> None:
    hand(box, "a")
    node = Node()
    node.dies = dies
    with pytest.raises(Killed):
        act(node)
    assert set(begun(box)) == {"a"}
    node.dies = ""
    assert act(node) == 1
    assert node.writes == 1
    assert [result["success"] for _, result in box.cloud.results] == [True]


def test_a_result_that_could_not_be_sent_is_sent_before_anything_else(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node()
    box.cloud.failures["result"] = [refuse(503, "Unavailable", "again")]
    with pytest.raises(CloudError):
        act(node)
    assert begun(box)["a"]["result"]["success"] is True
    box.cloud.actions = []
    act(node)
    assert [name for name, _ in box.cloud.results] == ["a"]
    assert node.writes == 1
    assert begun(box) == {}


def test_what_was_written_and_is_not_given_again_is_reported(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node()
    node.dies = "after"
    with pytest.raises(Killed):
        act(node)
    box.cloud.actions, node.dies = [], ""  # it expired while the box was away
    act(node)
    assert [(name, result["success"]) for name, result in box.cloud.results] == [("a", True)]


def test_an_intent_of_an_earlier_life_is_no_leave_to_write(box: Box, act: Callable[..., int]) -> None:
    """Days later it may have been taken back: what is not given again is not written."""
    hand(box, "a")
    node = Node()
    node.dies = "before"
    with pytest.raises(Killed):
        act(node)
    box.cloud.actions, node.dies = [], ""
    act(node)
    assert (node.writes, box.cloud.results, begun(box)) == (0, [], {})


def test_what_is_late_is_not_written(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a", expires_at=EARLIER)
    node = Node()
    assert act(node) == 0
    assert (node.writes, box.cloud.results) == (0, [])


def test_what_was_fetched_too_long_ago_waits_for_the_next_fetch(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a", "b")
    moments = iter([time.time(), time.time() + WRITE_WITHIN_S + 1, time.time() + WRITE_WITHIN_S + 1])
    assert act(Node(), clock=lambda: next(moments)) == 0


def test_what_somebody_else_changed_is_left_alone_and_reported(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node(OTHER)
    act(node)
    [(_, result)] = box.cloud.results
    assert (result["success"], result["applied_policy"]["fee_rate_ppm"]) == (False, 999)
    assert node.writes == 0


def test_a_macaroon_that_may_not_write_is_a_failure_in_words(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node()
    node.failure = NodeError("LND refuses the macaroon: permission denied", fault=Fault.FORBIDDEN)
    act(node)
    [(_, result)] = box.cloud.results
    assert (result["success"], result["error"]) == (False, "LND refuses the macaroon: permission denied")


def test_a_node_that_is_away_for_a_moment_is_asked_again(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node()
    node.failure = NodeError("LND is not reachable", fault=Fault.UNREACHABLE)
    with pytest.raises(NodeError):
        act(node)
    assert box.cloud.results == []
    node.failure = None
    assert act(node) == 1


def test_what_the_node_does_not_show_yet_is_reported_without_a_policy(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a")
    node = Node()
    node._take = lambda policy: None  # type: ignore[method-assign]
    act(node)
    [(_, result)] = box.cloud.results
    assert (result["success"], result["applied_policy"]) == (True, None)


def test_a_refused_result_is_forgotten_and_the_next_action_goes_on(box: Box, act: Callable[..., int]) -> None:
    hand(box, "a", "b")
    box.cloud.failures["result"] = [refuse(404, "Not found", "no such action")]
    act(Node())
    assert [name for name, _ in box.cloud.results] == ["b"]
    assert begun(box) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"holder": 7}', b'{"holder": "x", "begun": []}'])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / INTENT_FILE).write_bytes(content)
    intents = Intents.load(tmp_path)
    assert len(intents.holder) == 32
    assert Intents.load(tmp_path).holder == intents.holder


@pytest.mark.parametrize(
    "change", [{"id": 7}, {"policy": None}, {"expires_at": "soon"}, {"policy": {"fee_rate_ppm": "x"}}]
)
def test_an_action_that_cannot_be_read_is_written_nowhere(
    box: Box, act: Callable[..., int], change: dict[str, Any]
) -> None:
    hand(box, "a")
    box.cloud.actions[0] |= change
    node = Node()
    with pytest.raises(CloudError):
        act(node)
    assert node.writes == 0


def test_two_agents_at_one_home_do_not_work_at_once(box: Box) -> None:
    reporter = Reporter(box.home)
    with lock_home(box.home), pytest.raises(HomeError, match="another agent"):
        reporter.report()
    assert reporter.report().channel_count == 3
    reporter.close()
