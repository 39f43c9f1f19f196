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
    """`values`: for placeholders in the file of servers. Raises CatalogueError for a file that cannot be read."""
    telling = Telling(config)
    parts = Parts(config, choose_opener(config), log=telling.log, redis=telling.redis)
    desire = Desire(config, parts, values=values)
    desire.check_file()
    return App(parts, companions=(desire.run, lambda: telling.run(parts)), before=desire.read_first)


class SocketError(Exception):
    """It cannot listen there; the message says what to do."""


def open_socket(config: Config) -> socket.socket:
    """One that listens already where it was inherited: then no connection is lost between two gateways. Raises
    SocketError.
    """
    if config.socket_fd is not None:
        return inherit_socket(config.socket_fd)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((config.host, config.port))
    except OSError as error:
        listening.close()
        place = f"{config.host}:{config.port}"
        raise SocketError(f"MCP_HOST, MCP_PORT: it cannot listen at {place}: {error.strerror or error}") from error
    listening.listen(BACKLOG)
    listening.set_inheritable(True)
    return listening


def inherit_socket(number: int) -> socket.socket:
    """Raises SocketError."""
    try:
        listening = socket.socket(fileno=number)
        if listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return listening
        listening.detach()
    except OSError as error:
        raise SocketError(f"MCP_SOCKET_FD: {number} is no open socket: {error.strerror}") from error
    raise SocketError(f"MCP_SOCKET_FD: the socket {number} does not listen")
