"""A simulated Core Lightning node behind a real TLS socket, its time standing still."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from nodes.simulator.cln_api.app import ClnRest
from nodes.simulator.home import NodeHome, open_runes
from nodes.simulator.simulation import Simulation
from nodes.simulator.view import NodeView
from nodes.simulator.world import World
from tests.fakes.simulated_fleet import serve_app


@dataclass
class StillCln:
    """One node of a world. Nothing happens there but what the test asks for."""

    client: httpx.Client
    url: str
    home: NodeHome
    world: World
    pubkey: str
    secret: bytes
    saves: list[None] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> Any:
        response = self.client.post(f"/v1/{method}", json=params)
        assert response.status_code == 201, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()

    def refusal(self, method: str, *, rune: str | None = None, **params: Any) -> tuple[int, int, str]:
        """(HTTP status, JSON-RPC code, message)"""
        headers = {} if rune is None else {"Rune": rune}
        response = self.client.post(f"/v1/{method}", json=params, headers=headers)
        answer = response.json()
        assert answer.keys() == {"code", "message"}
        return response.status_code, answer["code"], answer["message"]


def open_cln_client(url: str, tls_cert: Path, rune: Path) -> httpx.Client:
    """Trusts this one certificate, as a box does."""
    context = ssl.create_default_context(cafile=str(tls_cert))
    return httpx.Client(base_url=url, verify=context, headers={"Rune": rune.read_text().strip()}, trust_env=False)


@contextmanager
def serve_still_cln(world: World, pubkey: str, home: NodeHome) -> Iterator[StillCln]:
    saves: list[None] = []
    view = NodeView(
        simulation=Simulation(world), pubkey=pubkey, now_ns=world.advanced_to_ns, save=lambda: saves.append(None)
    )
    secret = open_runes(home)
    with (
        serve_app(ClnRest(lambda: view, secret), home) as url,
        open_cln_client(url, home.tls_cert, home.rune) as client,
    ):
        yield StillCln(client=client, url=url, home=home, world=world, pubkey=pubkey, secret=secret, saves=saves)
