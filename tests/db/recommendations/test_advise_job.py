"""Advice is worked out and announced after a cycle, before anybody asks."""

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone

from nodes.engine.credential import Service
from nodes.engine.notice import UNASKED, Event, NotifySettings
from nodes.models.notice import Notice
from nodes.models.webhook import WebhookDelivery
from nodes.pipeline.advice import ADVISE_EVERY_S, ADVISE_TASK, queue_advice
from nodes.pipeline.credential import set_credential
from nodes.pipeline.forecast import keep_forecast
from nodes.pipeline.notify.outbox import store_settings
from recommendations.models.advice import Recommendation
from recommendations.pipeline.survey import survey_node
from recommendations.tasks import advise_node
from tenants.models.job import Job
from tests.db.nodes.acting import inside
from tests.db.nodes.hooked import listening, set_up
from tests.factories import Box, make_offer
from tests.fakes.receiver import Receiver
from tests.fakes.telegram import CHAT, TOKEN


def test_one_job_an_hour_waits_however_many_cycles_end(alice: Box) -> None:
    now = timezone.now()
    with inside(alice):
        for _ in range(3):
            queue_advice(now)
    job = Job.objects.get(dazbox=alice.dazbox, task=ADVISE_TASK)
    assert advise_node.name == ADVISE_TASK
    assert job.due_at is not None
    assert now < job.due_at <= now + dt.timedelta(seconds=ADVISE_EVERY_S)


def test_new_advice_is_kept_and_announced_once_though_nobody_asks(alice: Box) -> None:
    receiver = Receiver()
    with listening(receiver) as [url], inside(alice):
        set_up(receiver, url, "recommendation.created")
        for _ in range(2):
            with transaction.atomic():
                advise_node.run()
        assert Recommendation.objects.filter(gone_at=None).exists()
        assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize("events", [UNASKED, ("advice",)])
def test_the_owner_gets_one_line_by_message_who_chose_it_and_nobody_else(alice: Box, events: tuple[Event, ...]) -> None:
    with inside(alice):
        set_credential(Service.TELEGRAM, make_offer(TOKEN, chat_id=CHAT), actor="test")
        store_settings(NotifySettings(events=events))
        for _ in range(2):
            advise_node.run()
        advised = Recommendation.objects.filter(gone_at=None).count()
        told = [one.line for one in Notice.objects.filter(event="advice")]
        assert [line.facts["count"] for line in told] == ([advised] if "advice" in events else [])
        assert all(line.text.startswith("New advice: ") for line in told)


def test_a_survey_holds_what_is_forecast_of_each_channel(alice: Box) -> None:
    with inside(alice):
        survey = survey_node(now=timezone.now(), done={})
        assert survey is not None
        assert {one.outlook.why_none for one in survey.channels} == {"no_forecast"}
        keep_forecast(timezone.now())
        survey = survey_node(now=timezone.now(), done={})
        assert survey is not None
        assert {one.outlook.why_none for one in survey.channels} == {"history"}
