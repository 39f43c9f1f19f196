"""Short channel ids: BOLT 7's block, transaction and output of 24, 24 and 16 bits, as number and as text."""

import re

from nodes.sources.driver.errors import Fault, NodeError

_FORM = re.compile(r"(\d{1,8})x(\d{1,8})x(\d{1,5})", re.ASCII)
_MAX = (0xFFFFFF, 0xFFFFFF, 0xFFFF)


def format_scid(chan_id: int) -> str:
    """ "800000x7x1" """
    return f"{chan_id >> 40}x{chan_id >> 16 & 0xFFFFFF}x{chan_id & 0xFFFF}"


def parse_scid(scid: str) -> int:
    """LND's number of a channel. Raises NodeError."""
    found = _FORM.fullmatch(scid)
    parts = [int(part) for part in found.groups()] if found else []
    if not parts or any(part > most for part, most in zip(parts, _MAX, strict=True)):
        raise NodeError(f"{scid} is not a short channel id like 800000x7x1", fault=Fault.SETTING)
    return parts[0] << 40 | parts[1] << 16 | parts[2]
