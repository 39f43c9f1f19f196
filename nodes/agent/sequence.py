"""The box's own count of its snapshots."""

import json
from pathlib import Path

from nodes.agent.private_file import write_private_file

STATE_FILE = "state.json"


def take_seq(home: Path, now_s: float) -> int:
    """The next `seq`, recorded before it is used. Grows also when the file is lost or restored from an old backup:
    it is never below unix time, and one snapshot a second is more than a box sends. Raises OSError.
    """
    seq = max(read_next_seq(home), int(now_s))
    write_private_file(home / STATE_FILE, json.dumps({"next_seq": seq + 1}).encode() + b"\n")
    return seq


def read_next_seq(home: Path) -> int:
    """0 when nothing usable is there: the file holds nothing that unix time cannot replace."""
    try:
        state = json.loads((home / STATE_FILE).read_bytes())
    except (FileNotFoundError, ValueError):
        return 0
    next_seq = state.get("next_seq") if isinstance(state, dict) else None
    return next_seq if type(next_seq) is int else 0
