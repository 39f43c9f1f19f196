"""A server of the SDK that offers all the conformance suite asks for, over stdio (or HTTP: `--http PORT`).

`--legacy`: it knows the handshake alone, as servers of 2025 do. What it offers stands in `conformance/`.
"""

import sys
from pathlib import Path

from mcp.server import runner

sys.path.insert(0, str(Path(__file__).parents[3]))  # it is run as a script
from tests.bridge.children.conformance import answering, asking, input_required, listed  # noqa: F401 - they add to it
from tests.bridge.children.conformance.server import server


def main(arguments: list[str]) -> None:
    if "--legacy" in arguments:
        runner._has_modern_envelope = lambda params: False
    if "--http" in arguments:
        server.run("streamable-http", port=int(arguments[arguments.index("--http") + 1]))
    else:
        server.run()


if __name__ == "__main__":
    main(sys.argv[1:])
