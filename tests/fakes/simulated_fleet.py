"""Simulated nodes behind real TLS sockets: one in this process with its time standing still, or a fleet in its own."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from nodes.simulator.faults.app import App
from nodes.simulator.home import NodeHome, open_port
from nodes.simulator.lnd_api.app import LndApi
from nodes.simulator.simulation import Simulation
from nodes.simulator.view import NodeView
from nodes.simulator.world import World

ROOT = Path(__file__).resolve().parents[2]
STOP_WITHIN_S = 60


def open_client(url: str, tls_cert: Path, macaroon: Path) -> httpx.Client:
    """Trusts this one certificate, as a box does."""
    context = ssl.create_default_context(cafile=str(tls_cert))
    headers = {"Grpc-Metadata-macaroon": macaroon.read_bytes().hex()}
    return httpx.Client(base_url=url, verify=context, headers=headers, trust_env=False)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@dataclass
class StillNode:
    """One node of a world. Nothing happens there but what the test asks for."""

    client: httpx.Client
    world: World
    pubkey: str
    saves: list[None] = field(default_factory=list)

    def get(self, path: str, **query: Any) -> Any:
        return self._read(self.client.get(path, params=query))

    def post(self, path: str, body: object) -> Any:
        return self._read(self.client.post(path, json=body))

    def refusal(self, method: str, path: str, **arguments: Any) -> tuple[int, int, str]:
        """(HTTP status, gRPC code, message)"""
        response = self.client.request(method, path, **arguments)
        answer = response.json()
        assert answer.keys() == {"code", "message", "details"}
        assert answer["details"] == []
        return response.status_code, answer["code"], answer["message"]

    def _read(self, response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()


@contextmanager
def serve_still(world: World, pubkey: str, home: NodeHome) -> Iterator[StillNode]:
    simulation = Simulation(world)
    saves: list[None] = []
    view = NodeView(simulation=simulation, pubkey=pubkey, now_ns=world.advanced_to_ns, save=lambda: saves.append(None))
    with (
        serve_app(LndApi(lambda: view, home.macaroon.read_bytes()), home) as url,
        open_client(url, home.tls_cert, home.macaroon) as client,
    ):
        yield StillNode(client=client, world=world, pubkey=pubkey, saves=saves)


@contextmanager
def serve_app(app: App, home: NodeHome) -> Iterator[str]:
    """Its address."""
    bound = open_port(home)
    config = uvicorn.Config(
        app,
        ssl_certfile=home.tls_cert,
        ssl_keyfile=home.tls_key,
        lifespan="off",
        http="h11",
        ws="none",
        log_config=None,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    server.listening.wait()
    try:
        yield f"https://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@dataclass
class Fleet:
    """A running `python -m nodes.simulator serve`."""

    process: subprocess.Popen[str]
    ready: list[dict[str, Any]]
    printed: list[str]

    def open_client(self, index: int) -> httpx.Client:
        node = self.ready[index]
        return open_client(node["url"], Path(node["tls_cert"]), Path(node["macaroon"]))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(STOP_WITHIN_S)


def run_simulator(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nodes.simulator", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@contextmanager
def serve_fleet(world: Path, home: Path, ready_file: Path, *options: str) -> Iterator[Fleet]:
    """Ended by the test, or by force at the end."""
    command = [sys.executable, "-m", "nodes.simulator", "serve", "--world", world, "--home", home, *options]
    with subprocess.Popen(
        [*map(str, command), "--ready-file", str(ready_file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line.strip())
                if printed[-1] == "ready":
                    break
            assert printed
            assert printed[-1] == "ready"
            yield Fleet(process=process, ready=json.loads(ready_file.read_text()), printed=printed)
        finally:
            process.kill()
