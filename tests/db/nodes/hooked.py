"""A box whose owner has endpoints, and a receiver behind them."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from nodes.engine.webhook.endpoint import Target
from nodes.engine.webhook.event import EventType
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.models.webhook import WebhookDelivery, WebhookEndpoint
from nodes.pipeline.kill_switch import set_switch
from nodes.pipeline.webhook.deliver import deliver_next
from nodes.pipeline.webhook.endpoint import create_endpoint
from tests.fakes.receiver import Receiver


@contextmanager
def listening(*receivers: Receiver, port: int = 0) -> Iterator[list[str]]:
    """Their addresses, which the operator trusts. `port`: of the only one."""
    before = settings.ENV
    servers = [receiver.serve(port) for receiver in receivers]
    for server in servers:
        server.__enter__()
    places = [("127.0.0.1", server.port) for server in servers]
    settings.ENV = before.model_copy(update={"trusted_webhooks": places})
    try:
        yield [f"http://127.0.0.1:{port}/hooks" for _, port in places]
    finally:
        settings.ENV = before
        for server in servers:
            server.__exit__()


def set_up(receiver: Receiver, url: str, *events: EventType) -> WebhookEndpoint:
    endpoint = create_endpoint(Target(url=url, events=events), actor="test")
    receiver.secrets.append(endpoint.secrets.current)
    return endpoint


def stop_node() -> None:
    set_switch(WHOLE_NODE, SwitchDetail("a pause", None), actor="owner")


def deliver_all(until: dt.timedelta = dt.timedelta(0)) -> int:
    """As its jobs would, each at the moment the one before asked for. How many jobs that took."""
    now: dt.datetime | None = timezone.now()
    end = timezone.now() + until + dt.timedelta(seconds=1)
    for count in range(300):
        now = deliver_next(now)
        if now is None or now > end:
            return count + 1
    raise AssertionError("there is no end to it")


def states(endpoint: WebhookEndpoint) -> list[str]:
    rows = WebhookDelivery.objects.filter(endpoint=endpoint)
    return list(rows.order_by("created_at").values_list("state", flat=True))
