"""python -m bridge.gateway: the gateway in a process of its own, under uvicorn."""

import os
import socket
import sys

import uvicorn

from bridge.gateway.app import App
from bridge.gateway.config import ConfigError, read_config
from bridge.gateway.fleet.desired import CatalogueError
from bridge.gateway.logs import configure_logs
from bridge.gateway.process import SocketError, make_app, open_socket
from bridge.gateway.protocol import BoundedProtocol, BoundedSocket
from bridge.gateway.server import DrainingServer


def main() -> int:
    try:
        config = read_config(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    configure_logs()
    try:
        app, listening = make_app(config, values=os.environ), open_socket(config)
    except (CatalogueError, SocketError) as error:
        print(error, file=sys.stderr)
        return 2
    serve(app, listening)
    return 0


def serve(app: App, listening: socket.socket) -> None:
    settings = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedProtocol,
        ws=BoundedSocket,
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
        backlog=2048,
    )
    DrainingServer(settings, app.parts).run(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main())
