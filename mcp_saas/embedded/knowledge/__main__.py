"""`python -m mcp_saas.embedded.knowledge`: the process, started by the launcher or by the tests."""

import os
import socket
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.knowledge.app import Asgi, KnowledgeApp
from mcp_saas.embedded.knowledge.catalog import Catalog
from mcp_saas.embedded.knowledge.command import API_KEY
from mcp_saas.embedded.knowledge.server import KnowledgeServer
from mcp_saas.embedded.state import hold_lock, make_private_folder


def make_embedder(models: Path) -> Asgi:
    """The keys are looked at before it is asked."""
    from rag.sources.minilm.app import EmbedderApp  # large, and not everybody asks for it
    from rag.sources.minilm.model import MiniLM

    return EmbedderApp(MiniLM(models))


def serve(folder: Path, listener: socket.socket, *, idle_s: float | None, api_key: str) -> None:
    """Until SIGTERM, SIGINT or idleness. Raises LaunchError: another process owns the folder."""
    with hold_lock(make_private_folder(folder)):
        catalog = Catalog(make_private_folder(folder / "collections"))
        models = Path(os.environ.get("MODEL_CACHE_DIR") or folder / "models")
        app = KnowledgeApp(catalog, api_key=api_key, make_embedder=partial(make_embedder, models))
        KnowledgeServer(app, idle_s=idle_s).run(sockets=[listener])


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(prog="python -m mcp_saas.embedded.knowledge")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--descriptor", type=int, required=True, help="of the bound socket, inherited")
    parser.add_argument("--idle-s", type=float, help="ends after so long without a request")
    options = parser.parse_args(arguments)
    try:
        listener = socket.socket(fileno=options.descriptor)
        serve(options.folder, listener, idle_s=options.idle_s, api_key=os.environ.get(API_KEY, ""))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
