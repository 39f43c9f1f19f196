"""A simulated node behind a real TLS socket that fails on request, counts what it is asked, and a driver of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx

from nodes.simulator.asgi import Message, Receive, Send
from nodes.simulator.cln_api.app import ClnRest
from nodes.simulator.faults.app import App, FaultyApp
from nodes.simulator.faults.plan import Fault, FaultPlan, write_faults
from nodes.simulator.home import NodeHome, open_home, open_runes
from nodes.simulator.lnd_api.app import LndApi
from nodes.simulator.simulation import Simulation
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel, World
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import PolicyWrite
from nodes.sources.driver.policy import Policy
from nodes.sources.driver.retry import Patience
from tests.fakes.simulated_fleet import serve_app

WRITES = {"POST /v1/chanpolicy", "POST /v1/setchannel"}
TIMEOUT = httpx.Timeout(0.5, connect=2)
LONG_TIMEOUT = httpx.Timeout(60)  # where a thousand channels are told on a machine that is busy


class Counted:
    """What was asked, in order."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.calls: list[str] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.calls.append(f"{scope['method']} {scope['path']}")
        await self._app(scope, receive, send)


@dataclass
class DrivenNode:
    """Nothing happens in its world but what the test asks for."""

    world: World
    pubkey: str
    url: str
    home: NodeHome
    counted: Counted
    implementation: Literal["lnd", "cln"] = "lnd"
    pauses: list[float] = field(default_factory=list)
    saves: list[None] = field(default_factory=list)

    @property
    def config(self) -> DriverConfig:
        """For a driver that waits half a second for an answer and not at all between attempts."""
        is_lnd = self.implementation == "lnd"
        return DriverConfig(
            implementation=self.implementation,
            url=self.url,
            secret=self.home.macaroon.read_bytes().hex() if is_lnd else self.home.rune.read_text().strip(),
            certificate=self.home.tls_cert.read_text(),
            pubkey=self.pubkey,
            timeout=TIMEOUT,
            patience=Patience(pause=self.pauses.append, dice=lambda: 1.0),
        )

    @property
    def channels(self) -> list[Channel]:
        return self.world.channels_of(self.pubkey)

    @property
    def calls(self) -> list[str]:
        return self.counted.calls

    def count_writes(self) -> int:
        return sum(call in WRITES for call in self.calls)

    def fail(self, *faults: Fault) -> None:
        write_faults(self.home.faults, *faults)

    def read_policy(self, index: int) -> Policy:
        """What the node really has."""
        policy: Any = self.channels[index].seen_by(self.pubkey)[0].policy
        return Policy(**{name: getattr(policy, name) for name in Policy.__dataclass_fields__})

    def plan_write(self, index: int, **changes: Any) -> PolicyWrite:
        """Of the policy as it is now, with changes."""
        channel, present = self.channels[index], self.read_policy(index)
        scid = f"{channel.channel_id >> 40}x{channel.channel_id >> 16 & 0xFFFFFF}x{channel.channel_id & 0xFFFF}"
        return PolicyWrite(
            short_channel_id=scid,
            channel_point=channel.chan_point,
            policy=replace(present, **changes),
            expected_policy=present,
        )


@contextmanager
def serve_driven(
    world: World, pubkey: str, folder: Path, *, implementation: Literal["lnd", "cln"] = "lnd"
) -> Iterator[DrivenNode]:
    home = open_home(folder, pubkey)
    simulation = Simulation(world)
    lock = threading.Lock()
    saves: list[None] = []

    def look() -> NodeView:
        with lock:
            return NodeView(
                simulation=simulation, pubkey=pubkey, now_ns=world.advanced_to_ns, save=lambda: saves.append(None)
            )

    is_lnd = implementation == "lnd"
    api: App = LndApi(look, home.macaroon.read_bytes()) if is_lnd else ClnRest(look, open_runes(home))
    counted = Counted(FaultyApp(api, FaultPlan(home.faults)))
    with serve_app(counted, home) as url:
        yield DrivenNode(
            world=world,
            pubkey=pubkey,
            url=url,
            home=home,
            counted=counted,
            implementation=implementation,
            saves=saves,
        )
