"""What the box remembers of the cost of its channels' openings, so that the node is asked once."""

import json
from pathlib import Path

from nodes.agent.private_file import write_private_file
from nodes.sources.driver.driver import Driver, NodeReading
from nodes.sources.driver.opening import add_opening_fees

FEES_FILE = "opening_fees.json"
ASK_AGAIN_S = 86_400  # the owner may have widened the macaroon meanwhile


def complete_reading(home: Path, driver: Driver, *, reading: NodeReading, now_s: float) -> NodeReading:
    """The reading with the opening fees that are known or can be had. Raises OSError."""
    known, asked_at = read_fees(home)
    asks_again = not 0 <= now_s - asked_at < ASK_AGAIN_S
    completed, fees = add_opening_fees(driver, reading, known=known, asks_again=asks_again)
    missed = any(fee is None for fee in fees.values())
    if fees != known or (missed and asks_again):
        content = json.dumps({"asked_at": int(now_s), "fees": fees}).encode() + b"\n"
        write_private_file(home / FEES_FILE, content)
    return completed


def read_fees(home: Path) -> tuple[dict[str, int | None], float]:
    """By channel point, and when the node was asked last. Empty when nothing usable is there: it is asked again."""
    try:
        stored = json.loads((home / FEES_FILE).read_bytes())
        fees, asked_at = stored["fees"], stored["asked_at"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}, 0
    is_usable = isinstance(fees, dict) and type(asked_at) is int
    return ({point: fee for point, fee in fees.items() if is_fee(fee)}, asked_at) if is_usable else ({}, 0)


def is_fee(value: object) -> bool:
    return value is None or (type(value) is int and value >= 0)
