"""What is kept of an endpoint and of an attempt at it."""

from __future__ import annotations

import base64
import datetime as dt
import secrets

from msgspec import Struct

from nodes.engine.credential import Unprinted
from nodes.engine.webhook.event import EventType

PREFIX = "whsec_"
SECRET_BYTES = 32  # Standard Webhooks: 24 to 64


class Target(Unprinted, frozen=True, kw_only=True):
    """Where to, and what. No events: all there are and will be."""

    url: str
    events: tuple[EventType, ...] = ()
    description: str = ""

    def wants(self, event: EventType) -> bool:
        return not self.events or event in self.events or event == "webhook.test"


class Secrets(Unprinted, frozen=True, kw_only=True):
    """By which a receiver knows us. `previous` signs as well until `previous_until`."""

    current: str
    previous: str | None = None
    previous_until: dt.datetime | None = None

    def list_live(self, now: dt.datetime) -> list[str]:
        """The newest first."""
        is_live = self.previous_until is not None and now < self.previous_until
        return [self.current, *([self.previous] if self.previous and is_live else [])]

    def rotate(self, now: dt.datetime, *, overlap: dt.timedelta) -> Secrets:
        """A new one; the present one goes on for so long, the one before it ends."""
        return Secrets(current=make_secret(), previous=self.current, previous_until=now + overlap)


class Attempt(Struct, frozen=True, kw_only=True):
    """One request: what came back, and how long that took. `status` is null without an answer, `error` is empty where
    it was taken. `answer` is the beginning of the body.
    """

    at: dt.datetime
    duration_ms: int
    status: int | None
    error: str
    answer: str


def make_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
