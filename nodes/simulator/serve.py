"""Serves every fleet node of a world as its own LND or Core Lightning: one process, one event loop, one TLS port a
node."""

import asyncio
import contextlib
import fcntl
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import uvicorn

from mcp_saas.kit.private_file import write_private_file
from nodes.simulator.cln_api.app import ClnRest
from nodes.simulator.faults.app import App, FaultyApp
from nodes.simulator.faults.plan import FaultPlan
from nodes.simulator.home import NodeHome, open_home, open_port, open_runes
from nodes.simulator.lnd_api.app import LndApi
from nodes.simulator.simulation import Simulation
from nodes.simulator.view import NodeView
from nodes.simulator.world import FleetNode, WorldFileError, load_world, save_world


class ServedNode(msgspec.Struct, frozen=True):
    """How to reach one node: a row of the ready file."""

    pubkey: str
    alias: str
    implementation: Literal["lnd", "cln"]
    url: str
    tls_cert: str
    macaroon: str | None  # of LND
    rune: str | None  # of Core Lightning


class _NodeServer(uvicorn.Server):
    """Leaves signals to `serve_world`, which stops all servers together, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@dataclass(frozen=True, kw_only=True)
class _Post:
    """A node, where it lives, and the server that stands for it."""

    node: FleetNode
    home: NodeHome
    bound: socket.socket
    server: _NodeServer

    def describe(self) -> ServedNode:
        host, port = self.bound.getsockname()
        is_lnd = self.node.implementation == "lnd"
        return ServedNode(
            pubkey=self.node.pubkey,
            alias=self.node.alias,
            implementation=self.node.implementation,
            url=f"https://{host}:{port}",
            tls_cert=str(self.home.tls_cert.resolve()),
            macaroon=str(self.home.macaroon.resolve()) if is_lnd else None,
            rune=None if is_lnd else str(self.home.rune.resolve()),
        )


async def serve_world(
    world_path: Path, home: Path, *, announce: Callable[[list[ServedNode]], None], has_faults: bool = False
) -> None:
    """1. load the world and let the time pass that it slept, 2. open a port a node, 3. when all listen: announce,
    4. serve until SIGTERM or SIGINT, 5. save the world.

    `has_faults`: each node fails as the file `faults.json` of its home says; for tests alone.
    A policy change is saved before it is answered; forwards are not: after a crash the same ones happen again.
    Raises WorldFileError, also when another process serves this world.
    """
    with _own_world(world_path):
        simulation = Simulation(load_world(world_path))
        simulation.advance(time.time_ns())

        def save() -> None:
            save_world(simulation.world, world_path)

        posts = [
            _open_post(simulation, node, home=open_home(home, node.pubkey), save=save, has_faults=has_faults)
            for node in simulation.world.fleet
        ]
        await _run_until_signal(posts, announce)
        save()


def write_ready_file(path: Path, nodes: list[ServedNode]) -> None:
    write_private_file(path, msgspec.json.format(msgspec.json.encode(nodes)))


@contextlib.contextmanager
def _own_world(world_path: Path) -> Iterator[None]:
    """Two servers of one world would overwrite each other's. The lock goes with the process, however it ends."""
    lock_path = world_path.with_name(f"{world_path.name}.lock")
    with lock_path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorldFileError(f"{world_path} is being served by another process: stop that one first") from error
        yield


def _open_post(
    simulation: Simulation, node: FleetNode, *, home: NodeHome, save: Callable[[], None], has_faults: bool
) -> _Post:
    def look() -> NodeView:
        now_ns = time.time_ns()
        simulation.advance(now_ns)
        return NodeView(simulation=simulation, pubkey=node.pubkey, now_ns=now_ns, save=save)

    api: App = choose_api(node, home, look=look)
    config = uvicorn.Config(
        FaultyApp(api, FaultPlan(home.faults)) if has_faults else api,
        ssl_certfile=home.tls_cert,
        ssl_keyfile=home.tls_key,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
    )
    return _Post(node=node, home=home, bound=open_port(home), server=_NodeServer(config))


def choose_api(node: FleetNode, home: NodeHome, *, look: Callable[[], NodeView]) -> LndApi | ClnRest:
    if node.implementation == "cln":
        return ClnRest(look, open_runes(home))
    return LndApi(look, home.macaroon.read_bytes())


async def _run_until_signal(posts: list[_Post], announce: Callable[[list[ServedNode]], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        for post in posts:
            group.create_task(post.server.serve(sockets=[post.bound]))
        for post in posts:
            await post.server.listening.wait()
        announce([post.describe() for post in posts])
        await stop.wait()
        for post in posts:
            post.server.should_exit = True
            post.server.force_exit = True  # an answer is made in one go: only idle connections are left to wait for
