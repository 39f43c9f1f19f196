"""python -m bridge.gateway: the gateway in a process of its own, under uvicorn."""

import os
import sys

import uvicorn

from bridge.gateway.app import App
from bridge.gateway.config import Config, ConfigError, read_config
from bridge.gateway.logs import configure_logs
from bridge.gateway.process import make_app, open_socket
from bridge.gateway.protocol import BoundedProtocol, BoundedSocket
from bridge.gateway.server import DrainingServer


def main() -> int:
    try:
        config = read_config(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    configure_logs()
    serve(make_app(config, values=os.environ), config)
    return 0


def serve(app: App, config: Config) -> None:
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
    DrainingServer(settings, app.parts).run(sockets=[open_socket(config)])


if __name__ == "__main__":
    sys.exit(main())
