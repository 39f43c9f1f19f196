"""What an owner says to an advice."""

from enum import StrEnum


class Verdict(StrEnum):
    USEFUL = "useful"
    NOT_USEFUL = "not_useful"
    DONE = "done"
    FAILED = "failed"  # it was tried
