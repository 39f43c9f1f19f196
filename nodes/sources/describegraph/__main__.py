"""`python -m nodes.sources.describegraph FILE OUT`: the digest of a graph file, for `child`; a refusal is on stderr."""

import resource
import sys
from pathlib import Path

from nodes.sources.describegraph.child import MEMORY_BYTES, REFUSED, write_digest
from nodes.sources.describegraph.digest import digest_graph
from nodes.sources.describegraph.reader import GraphFileError

TOO_LARGE = "it cannot be worked out within 256 MB: that is no graph of the Lightning network as we know it"


def main(file: str, out: str) -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        head, rows = digest_graph(Path(file))
        write_digest(Path(out), head, rows=rows)
    except GraphFileError as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        sys.stderr.write(f"{file}: {TOO_LARGE}")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
