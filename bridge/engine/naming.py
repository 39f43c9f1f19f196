"""Names of servers: what is allowed in the name of a tool for every client, without the separator between both."""

import re
from collections.abc import Container

LONGEST = 32
NAME = rf"[a-z0-9][a-z0-9-]{{0,{LONGEST - 1}}}"
_VALID = re.compile(NAME)


def is_valid(name: str) -> bool:
    return _VALID.fullmatch(name) is not None


def make_valid(name: str, *, taken: Container[str] = ()) -> str:
    """The name itself when it may stay, else the nearest one that may and is free: "Brave Search" -> brave-search."""
    bare = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST].strip("-") or "server"
    found, number = bare, 1
    while found in taken:
        number += 1
        end = f"-{number}"
        found = bare[: LONGEST - len(end)].strip("-") + end
    return found
