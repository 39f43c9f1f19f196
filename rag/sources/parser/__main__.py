"""The child process (`python -m rag.sources.parser MEDIA_TYPE`): a document on stdin, its outcome on stdout.

Before the first byte is read it can open no file or connection any more, start no process, and has its memory and time
counted. Exit status 0: `Outcome` as MessagePack; anything else: killed by a limit.
"""

import resource
import sys
from importlib import import_module

import msgspec

from rag.sources.parser.document import read_document
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import CPU_S, MAX_BYTES, MEMORY_BYTES
from rag.sources.parser.outcome import Outcome

# Modules that Python and pypdf load when they need them, which is too late then.
_LATE = (
    "encodings.utf_16", "encodings.utf_32", "encodings.cp1252", "encodings.iso8859_15", "encodings.latin_1",
    "encodings.cp437", "json", "pypdf.filters", "pypdf._codecs._codecs",
)  # fmt: skip


def shut_in() -> None:
    for module in _LATE:
        import_module(module)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main() -> None:
    shut_in()
    try:
        outcome = Outcome(sections=read_document(sys.stdin.buffer.read(MAX_BYTES + 1), sys.argv[1]))
    except UnreadableError as error:
        outcome = Outcome(code=error.code, reason=str(error))
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
