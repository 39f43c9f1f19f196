"""The cloud writes to a node it reaches itself: each action once, whatever the node does meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from nodes.engine.credential import Service
from nodes.models.action import Action
from nodes.models.channel import Channel
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.models.node import OwnNode
from nodes.pipeline.action import approve_action
from nodes.pipeline.apply import NodeAwayError, apply_to_own_node, has_work
from nodes.pipeline.credential import set_credential
from nodes.pipeline.kill_switch import set_switch
from nodes.pipeline.pull import FRESH, pull_node
from nodes.simulator.faults.plan import Fault
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World
from tenants.models.job import Job
from tenants.provisioning.device import record_contact
from tests.conftest import ApiClient
from tests.db.nodes.acting import inside, state_of
from tests.factories import Box, make_offer
from tests.fakes.driven_node import DrivenNode, serve_driven

NOW_S = 1_760_000_000


@dataclass
class Cloud:
    """A box without an agent, whose node was read."""

    box: Box
    node: DrivenNode

    def plan(self) -> Action:
        row = next(row for row in Channel.objects.order_by("id") if row.state.own_policy and not row.state.private)
        present: Any = row.state.own_policy
        now = timezone.now()
        return Action.objects.create(
            channel_digest=row.digest,
            short_channel_id=row.state.short_channel_id,
            created_at=now,
            expires_at=now + FRESH,
            policy=msgspec.structs.replace(present, fee_rate_ppm=present.fee_rate_ppm + 7),
            expected_policy=present,
            why="for the test",
        )

    def pull_again(self) -> None:
        OwnNode.objects.update(last_taken_at=timezone.now() - FRESH)
        assert pull_node()


@pytest.fixture
def cloud(charlie: Box, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 1, origin="test", now_s=NOW_S, seed=7)
    content = msgspec.msgpack.encode(world).replace(world.fleet[0].pubkey.encode(), charlie.pubkey.encode())
    with serve_driven(msgspec.msgpack.decode(content, type=World), charlie.pubkey, tmp_path) as node:
        port = int(node.url.rpartition(":")[2])
        settings.ENV = settings.ENV.model_copy(update={"trusted_nodes": [("127.0.0.1", port)]})
        monkeypatch.setattr("nodes.pipeline.connect.TIMEOUT", node.config.timeout)
        monkeypatch.setattr("nodes.pipeline.connect.PATIENCE", node.config.patience)
        offer = make_offer(node.config.secret, url=node.url, tls_certificate=node.config.certificate)
        with inside(charlie):
            set_credential(Service.LND, offer, actor="test")
            assert pull_node()
        yield Cloud(charlie, node)


def test_what_is_approved_is_written_once_and_confirmed_by_the_next_reading(cloud: Cloud) -> None:
    with inside(cloud.box):
        action = approve_action(cloud.plan(), actor="owner")
        assert apply_to_own_node() == 1
        assert state_of(action) == "sent"
        assert action.reported_at is not None
        assert apply_to_own_node() == 0
        cloud.pull_again()
        assert state_of(action) == "confirmed"
    assert cloud.node.count_writes() == 1


def test_a_lost_answer_is_found_out_and_nothing_is_written_twice(cloud: Cloud) -> None:
    with inside(cloud.box):
        approve_action(cloud.plan(), actor="owner")
        cloud.node.fail(Fault(kind="lost", path="/v1/chanpolicy", times=1))
        assert apply_to_own_node() == 1
    assert cloud.node.count_writes() == 1


def test_a_node_that_is_away_is_asked_again_and_its_words_stay_inside(cloud: Cloud) -> None:
    with inside(cloud.box):
        action = approve_action(cloud.plan(), actor="owner")
        cloud.node.fail(Fault(kind="timeout", path="/v1/graph/edge"))
        with pytest.raises(NodeAwayError, match=r"^timeout$"):
            apply_to_own_node()
        assert state_of(action) == "sent"
        cloud.node.fail()
        assert apply_to_own_node() == 1


def test_a_refusal_is_a_failure_with_the_nodes_words(cloud: Cloud) -> None:
    with inside(cloud.box):
        action = approve_action(cloud.plan(), actor="owner")
        cloud.node.fail(Fault(kind="partial", path="/v1/chanpolicy"))
        assert apply_to_own_node() == 0
        assert state_of(action) == "failed"
        assert action.outcome is not None
        assert "failed on request" in str(action.outcome.error)


def test_a_kill_switch_holds_the_cloud_too(cloud: Cloud) -> None:
    with inside(cloud.box):
        approve_action(cloud.plan(), actor="owner")
        set_switch(WHOLE_NODE, SwitchDetail("a pause", None), actor="owner")
        assert apply_to_own_node() == 0
    assert cloud.node.count_writes() == 0


def test_a_box_that_is_there_does_it_itself(cloud: Cloud) -> None:
    with inside(cloud.box):
        approve_action(cloud.plan(), actor="owner")
        assert has_work()
    record_contact(cloud.box.dazbox.id, timezone.now())
    with inside(cloud.box):
        assert not has_work()


def test_an_approval_by_the_owner_is_worked_on_at_once(cloud: Cloud, api: ApiClient) -> None:
    with inside(cloud.box):
        action = cloud.plan()
    path = cloud.box.path(f"actions/{action.id}/approve")
    assert api.post(path, token=api.token_of(cloud.box)).status == 200
    assert [job.task for job in Job.objects.filter(dazbox=cloud.box.dazbox)] == ["nodes.tasks.apply_approved"]
