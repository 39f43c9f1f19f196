"""The gateway as a process: its parts put together from its settings, and the socket it listens on."""

import socket
from collections.abc import Mapping

from bridge.engine.server import BuiltIn, Server, TenantSecret
from bridge.gateway.app import App
from bridge.gateway.config import Config
from bridge.gateway.desire import Desire
from bridge.gateway.own_secrets import OpenWith
from bridge.gateway.parts import Parts
from bridge.gateway.telling import Telling
from bridge.sources.connection import Connection, ConnectionLost, Era, OnLog
from bridge.sources.dazbox.connection import open_dazbox
from bridge.sources.handshake import FACE
from bridge.sources.opener import open_connection

BACKLOG = 2048


def choose_opener(config: Config) -> OpenWith:
    """How each server is reached; the built-in one at the cloud's own API."""

    async def open_upstream(
        server: Server, secret: TenantSecret | None, *, on_log: OnLog, known: Era | None = None
    ) -> Connection:
        if not isinstance(server.transport, BuiltIn):
            return await open_connection(server, secret=secret, on_log=on_log, face=FACE._replace(known=known))
        if config.api_url is None:
            raise ConnectionLost("API_URL is needed for the built-in tools: where the cloud's own API is.")
        return open_dazbox(config.api_url)

    return open_upstream


def make_app(config: Config, *, values: Mapping[str, str]) -> App:
    """`values`: for placeholders in the file of servers."""
    telling = Telling(config)
    parts = Parts(config, choose_opener(config), log=telling.log, redis=telling.redis)
    desire = Desire(config, parts, values=values)
    return App(parts, companions=(desire.run, lambda: telling.run(parts)), before=desire.read_first)


def open_socket(config: Config) -> socket.socket:
    """One that listens already where it was inherited: then no connection is lost between two gateways."""
    if config.socket_fd is not None:
        return socket.socket(fileno=config.socket_fd)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((config.host, config.port))
    listening.listen(BACKLOG)
    listening.set_inheritable(True)
    return listening
