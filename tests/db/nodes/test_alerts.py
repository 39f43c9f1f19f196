"""Alerts: a node that went silent and came back, a plan that is used up; told once each, by message and webhook."""

import datetime as dt
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import timezone

from mcp_saas.celery import app
from nodes.engine.credential import Service
from nodes.engine.webhook.endpoint import Target
from nodes.models.notice import Notice
from nodes.models.snapshot import Snapshot
from nodes.models.webhook import DisabledBy, WebhookEndpoint, WebhookMessage
from nodes.pipeline.credential import set_credential
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.quota import watch_quota
from nodes.pipeline.silence import WATCHING, begin_watch, watch_reports
from nodes.pipeline.webhook.endpoint import create_endpoint, disable_endpoint
from nodes.tasks import WATCHES, watch_nodes
from tenants.context import leave_tenant
from tenants.engine.plan import PLANS
from tenants.provisioning.lifecycle import suspend_dazbox
from tests.db.nodes.acting import inside, journal
from tests.factories import Box, make_offer, make_snapshot
from tests.fakes.telegram import CHAT, TOKEN

MINUTE = dt.timedelta(minutes=1)
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def told(alice: Box) -> Iterator[Box]:
    """Alice, whose owner has a bot and an endpoint; we are behind her door."""
    with inside(alice):
        set_credential(Service.TELEGRAM, make_offer(TOKEN, chat_id=CHAT), actor="test")
        create_endpoint(Target(url="https://hooks.example.com/"), actor="test")
        yield alice


def age_reports(*minutes: int) -> None:
    """The newest first."""
    rows = list(Snapshot.objects.order_by("-seq"))
    for row, age in zip(rows, minutes, strict=True):
        Snapshot.objects.filter(seq=row.seq).update(received_at=timezone.now() - age * MINUTE)


def events() -> list[str]:
    return list(WebhookMessage.objects.order_by("at").values_list("event", flat=True))


def watch(*, watching_since: dt.datetime = LONG_AGO) -> bool:
    return watch_reports(timezone.now(), watching_since=watching_since)


def test_a_node_that_went_silent_is_told_once_and_once_more_when_it_is_back(told: Box) -> None:
    age_reports(14)
    assert watch() is False
    age_reports(16)
    assert (watch(), watch()) == (True, False)
    assert events() == ["node.silent"]
    accept_snapshot(make_snapshot(2, told.channels))
    assert events() == ["node.silent", "node.back"]
    assert list(Notice.objects.order_by("entry_id").values_list("event", flat=True)) == ["node", "node"]
    assert [line.split(" 20")[0] for line in journal("node-report")] == [
        "The node has not reported since",
        "The node reports again; the last report before was of",
    ]
    assert watch() is False


def test_a_node_that_reports_seldom_is_given_the_time_it_takes(told: Box) -> None:
    accept_snapshot(make_snapshot(2, told.channels))
    accept_snapshot(make_snapshot(3, told.channels))
    age_reports(100, 160, 220)
    assert watch() is False
    age_reports(181, 241, 301)
    assert watch() is True


def test_a_box_that_never_reported_is_not_silent(charlie: Box) -> None:
    with inside(charlie):
        assert watch() is False


def test_while_we_ourselves_were_away_nobody_was_silent(told: Box) -> None:
    age_reports(500)
    now = timezone.now()
    cache.delete(WATCHING)
    assert begin_watch(now) == now
    assert begin_watch(now + MINUTE) == now
    back = now + 10 * MINUTE
    assert begin_watch(back) == back
    assert watch(watching_since=timezone.now() - 5 * MINUTE) is False


def test_each_box_in_service_is_looked_at_within_five_minutes(
    bob: Box, told: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    age_reports(60)
    with inside(bob):
        age_reports(60)
    now = timezone.now()
    with leave_tenant():
        suspend_dazbox(bob.dazbox.id, actor="test", reason="a pause")
        cache.set(WATCHING, (LONG_AGO, now))
        for number in range(WATCHES):
            moment = now + number * MINUTE
            monkeypatch.setattr("nodes.tasks.timezone.now", lambda moment=moment: moment)
            watch_nodes()
    with inside(bob):
        assert journal("node-report") == []
    assert events() == ["node.silent"]
    schedule = app.conf.beat_schedule["watch-nodes"]
    assert (schedule["task"], schedule["schedule"]) == (watch_nodes.name, 60.0)


def test_a_limit_that_is_near_and_one_that_is_reached_are_told_once_each(told: Box) -> None:
    watch_quota()
    assert events() == []
    limit = PLANS["home"].limits["webhooks"]
    for _ in range(limit - 2):
        create_endpoint(Target(url="https://hooks.example.com/"), actor="test")
    watch_quota()
    watch_quota()
    create_endpoint(Target(url="https://hooks.example.com/"), actor="test")
    watch_quota()
    assert events() == ["quota.near", "quota.reached"]
    assert journal("quota") == ["4 of 5 webhooks of the plan are used", "5 of 5 webhooks of the plan are used"]


def test_an_endpoint_switched_off_is_told_by_telegram_and_what_its_owner_does_is_not(told: Box) -> None:
    endpoint = WebhookEndpoint.objects.get()
    assert Notice.objects.count() == 0
    disable_endpoint(endpoint, DisabledBy.GONE)
    [notice] = Notice.objects.all()
    assert notice.event == "webhook"
