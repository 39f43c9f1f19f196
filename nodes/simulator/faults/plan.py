"""Which requests go wrong, and how: read from a control file that a test writes."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Kind = Literal[
    "timeout",  # nothing happens, and no answer comes
    "error",  # nothing happens, and the answer is `status` with `answer`, or with text of a proxy
    "partial",  # LND: 200, and the channels of `channels` are among the failed_updates
    "lost",  # it happens, and no answer comes
    "cut",  # it happens, and the connection breaks off in the middle of the answer
    "stale",  # the answer is the one of `age_s` ago
    "die-before",  # the process is gone before it happens
    "die-after",  # the process is gone after it happened, before the answer
]


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of the requests whose path begins with `path` and whose body contains `contains` `skip` pass and `times` fail."""

    kind: Kind
    path: str = ""
    contains: str = ""
    skip: Annotated[int, Meta(ge=0)] = 0
    times: Annotated[int, Meta(ge=1)] | None = None  # None: from then on all
    status: Annotated[int, Meta(ge=200, le=599)] = 503
    answer: dict[str, object] | None = None
    channels: list[str] = []  # funding outputs, "txid:index"; none: all
    age_s: Annotated[float, Meta(ge=0)] = 0.0


class FaultPlan:
    """The faults of the file as it is now. A changed file is taken up at the next request; its counts begin anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = b""
        self._faults: list[Fault] = []
        self._met: list[int] = []

    def find_fault(self, path: str, body: bytes) -> Fault | None:
        """The first fault whose turn it is. Every fault counts the requests it fits, whichever is chosen."""
        self._reload()
        chosen = None
        for index, fault in enumerate(self._faults):
            if not path.startswith(fault.path) or fault.contains.encode() not in body:
                continue
            self._met[index] += 1
            met = self._met[index] - fault.skip
            if chosen is None and met > 0 and (fault.times is None or met <= fault.times):
                chosen = fault
        return chosen

    def _reload(self) -> None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b""
        if content != self._content:
            self._faults = msgspec.json.decode(content, type=list[Fault]) if content else []
            self._met = [0] * len(self._faults)
            self._content = content


def write_faults(path: Path, *faults: Fault) -> None:
    """In one go: no request sees half a file."""
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(faults))
    draft.replace(path)
