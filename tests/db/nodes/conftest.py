"""A simulated node that the cloud reads with the credential its owner left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.engine.credential import Service
from nodes.pipeline.credential import set_credential
from nodes.simulator.network import build_world
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World
from tenants.context import enter_tenant
from tests.db.nodes.pulling import Cloud, trust
from tests.factories import Box, make_offer
from tests.fakes.driven_node import DrivenNode, serve_driven

NOW_S = 1_760_000_000


@pytest.fixture(scope="module")
def made_world() -> bytes:
    world = build_world(generate_network(seed=7, now_s=NOW_S), 1, origin="test", now_s=NOW_S, seed=7)
    return msgspec.msgpack.encode(world)


@pytest.fixture
def node(charlie: Box, made_world: bytes, tmp_path: Path) -> Iterator[DrivenNode]:
    """The node that charlie's box stands for."""
    given = msgspec.msgpack.decode(made_world, type=World).fleet[0].pubkey
    content = made_world.replace(given.encode(), charlie.pubkey.encode())
    with serve_driven(msgspec.msgpack.decode(content, type=World), charlie.pubkey, tmp_path) as served:
        yield served


@pytest.fixture
def cloud(charlie: Box, node: DrivenNode, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    trust(settings, node)
    monkeypatch.setattr("nodes.pipeline.connect.TIMEOUT", node.config.timeout)
    monkeypatch.setattr("nodes.pipeline.connect.PATIENCE", node.config.patience)
    offer = make_offer(node.config.secret, url=node.url, tls_certificate=node.config.certificate)
    with enter_tenant(charlie.tenant):
        set_credential(Service.LND, offer, actor="test")
    return Cloud(charlie, node)
