"""`python -m nodes.sources.describegraph FILE OUT`: the digest of a graph file, for `child`; a refusal is on stderr."""

import sys
from pathlib import Path

import msgspec

from nodes.sources.describegraph.child import REFUSED
from nodes.sources.describegraph.digest import digest_graph
from nodes.sources.describegraph.reader import GraphFileError


def main(file: str, out: str) -> int:
    try:
        digest = digest_graph(Path(file))
    except GraphFileError as error:
        sys.stderr.write(str(error))
        return REFUSED
    Path(out).write_bytes(msgspec.msgpack.encode(digest))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
