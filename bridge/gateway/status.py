"""What the gateway is doing, told from what lives: nothing here is remembered or guessed."""

from typing import Protocol

from bridge.engine.observed import GatewaySeen
from bridge.gateway.audit import Audit
from bridge.gateway.cache import Answers
from bridge.gateway.metrics import Metrics


class Living(Protocol):
    """What the status asks of the gateway: the application has it."""

    answers: Answers
    audit: Audit
    metrics: Metrics

    def see(self) -> GatewaySeen: ...


def read(app: Living) -> GatewaySeen:
    """As an operator sees it."""
    return app.see()
