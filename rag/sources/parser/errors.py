"""Why a document cannot be taken in, in words for whoever sent it."""

from typing import Literal

Reason = Literal[
    "unsupported", "malformed", "encrypted", "no-text", "too-large", "too-many-pages", "too-deep", "hostile", "too-slow"
]


class UnreadableError(Exception):
    """`code` is for programs, the message for people: what is wrong with the document, and what to do about it."""

    def __init__(self, code: Reason, message: str) -> None:
        super().__init__(message)
        self.code: Reason = code
