"""`python -m rag.sources.minilm`: serves the local embedder to every process whose EMBEDDER_URL leads here.

It listens once the model is loaded. EMBEDDER_API_KEY is what a request must carry; without one only this machine is
served. MODEL_CACHE_DIR keeps the model. SIGTERM ends it, after what is under way.
"""

import ipaddress
import os
import sys
from argparse import ArgumentParser
from typing import Final

import uvicorn
from django.conf import settings

from rag.engine.embedding import EmbedderError
from rag.sources.minilm.app import EmbedderApp
from rag.sources.minilm.model import MiniLM

KEEP_ALIVE_S: Final = 15  # longer than clients keep a connection: they never send into one that is being closed
MAX_CONNECTIONS: Final = 256


def serve(host: str, port: int, *, api_key: str) -> None:
    """Until a signal. Raises EmbedderError where the model cannot be had."""
    minilm = MiniLM(settings.ENV.model_cache_dir)
    minilm.load()
    config = uvicorn.Config(
        EmbedderApp(minilm, api_key=api_key), host=host, port=port, lifespan="off", http="h11", ws="none",
        access_log=False, log_level="warning", server_header=False, timeout_keep_alive=KEEP_ALIVE_S,
        limit_concurrency=MAX_CONNECTIONS,
    )  # fmt: skip
    uvicorn.Server(config).run()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(prog="python -m rag.sources.minilm", description="Serves the local embedder.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; beyond this machine a key is needed")
    parser.add_argument("--port", type=int, default=7997)
    options = parser.parse_args(arguments)
    secret = settings.ENV.embedder_api_key
    api_key = secret.get_secret_value() if secret else ""
    if not api_key and not is_loopback(options.host):
        parser.error(f"--host {options.host} is open to others: set EMBEDDER_API_KEY")
    try:
        serve(options.host, options.port, api_key=api_key)
    except EmbedderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.base")
    sys.exit(main(sys.argv[1:]))
