"""Messages by Telegram, over a real socket: what is sent, when again, what is parked, and that nothing is lost."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mcp_saas.celery import app
from nodes.engine.credential import Service
from nodes.engine.notice import NotifySettings
from nodes.models.action import Action
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.models.notice import Notice
from nodes.pipeline.credential import delete_credential, set_credential
from nodes.pipeline.journal import note
from nodes.pipeline.kill_switch import set_switch
from nodes.pipeline.notify.deliver import MAX_ATTEMPTS, deliver_next
from nodes.pipeline.notify.outbox import TASK, store_settings
from nodes.pipeline.notify.sweep import sweep_notices
from nodes.pipeline.release import ReleaseChange, change_release
from nodes.tasks import deliver_notices, sweep_late_notices
from tenants.context import leave_tenant
from tenants.events import announce_owner_change
from tenants.models.job import Job
from tenants.tasks import SHARE_S, SHARES
from tests.db.nodes.acting import inside, planned, write
from tests.factories import Box, make_offer
from tests.fakes.json_server import Reply
from tests.fakes.telegram import BLOCKED, CHAT, NO_CHAT, TOKEN, Telegram, slow_down

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegram]:
    fake = Telegram()
    with fake.serve() as server:
        env = settings.ENV.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{server.port}"})
        monkeypatch.setattr(settings, "ENV", env)
        yield fake


@pytest.fixture
def told(alice: Box) -> Iterator[Box]:
    """Alice, whose owner has a bot; we are behind her door."""
    with inside(alice):
        set_credential(Service.TELEGRAM, make_offer(TOKEN, chat_id=CHAT), actor="test")
        yield alice


def stop_node(reason: str = "a pause") -> None:
    set_switch(WHOLE_NODE, SwitchDetail(reason, None), actor="owner")


def deliver_all(at: dt.datetime | None = None) -> None:
    """As its jobs would, each at the moment the one before asked for."""
    now: dt.datetime | None = at or timezone.now()
    for _ in range(200):
        if now is None:
            return
        now = deliver_next(now)
    raise AssertionError("there is no end to it")


def count_jobs(box: Box) -> int:
    with leave_tenant():
        return Job.objects.filter(dazbox_id=box.dazbox.id, task="nodes.tasks.deliver_notices").count()


def states() -> list[str]:
    return list(Notice.objects.order_by("entry_id").values_list("state", flat=True))


def test_a_kill_switch_is_told_at_once(told: Box, telegram: Telegram) -> None:
    stop_node()
    deliver_all()
    assert telegram.texts == ["Kill switch, node\nKill switch of the node set by the owner: a pause"]
    assert states() == ["sent"]
    assert deliver_next(timezone.now()) is None


def test_what_was_written_is_one_message_not_one_a_channel(told: Box, telegram: Telegram) -> None:
    store_settings(NotifySettings(language="fr"))
    actions: list[Action] = planned()
    for action in actions:
        write(told, action)
    assert deliver_next(timezone.now()) is not None
    assert telegram.texts == []  # others of the run may follow
    deliver_all(timezone.now() + MINUTE)
    [text] = telegram.texts
    assert text.splitlines()[0] == "Frais écrits (2), node"
    assert {line.split()[0] for line in text.splitlines()[1:]} == {action.short_channel_id for action in actions}


def test_a_mode_is_told_in_french(told: Box, telegram: Telegram) -> None:
    store_settings(NotifySettings(language="fr"))
    change_release(ReleaseChange(mode="canary"), actor="owner")
    deliver_all()
    assert telegram.texts == [
        "Le moteur de frais, node\nMode canary avec 10 % des canaux (avant : shadow), par le propriétaire"
    ]


def test_only_what_the_owner_wants_is_told(told: Box, telegram: Telegram) -> None:
    store_settings(NotifySettings(events=("rollback",)))
    stop_node()
    assert states() == []


def test_without_a_bot_nothing_waits(alice: Box, telegram: Telegram) -> None:
    with inside(alice):
        stop_node()
        assert states() == []


def test_the_line_and_its_job_are_there_with_the_journals_or_not_at_all(told: Box) -> None:
    before = count_jobs(told)
    with transaction.atomic():
        stop_node()
        transaction.set_rollback(True)
    assert (states(), count_jobs(told)) == ([], before)
    stop_node()
    assert (states(), count_jobs(told)) == (["waiting"], before + 1)


def test_killed_after_it_was_sent_it_is_sent_again_and_never_lost(
    told: Box, telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_node()
    with monkeypatch.context() as patch:
        patch.setattr("nodes.pipeline.notify.deliver._record", _die)
        with pytest.raises(SystemExit):
            deliver_next(timezone.now())
    assert (states(), len(telegram.texts)) == (["waiting"], 1)
    deliver_all()
    assert (states(), len(telegram.texts)) == (["sent"], 2)


def test_the_task_sends_one_message_and_asks_for_the_next(told: Box, telegram: Telegram) -> None:
    stop_node()
    change_release(ReleaseChange(mode="canary"), actor="owner")
    before = count_jobs(told)
    deliver_notices.run()
    assert (len(telegram.texts), count_jobs(told)) == (1, before + 1)
    deliver_notices.run()
    assert (len(telegram.texts), count_jobs(told)) == (1, before + 2)  # too early: a second has not passed


def test_a_429_is_obeyed_to_the_second_and_is_no_failure(told: Box, telegram: Telegram) -> None:
    telegram.answers = [slow_down(37)]
    stop_node()
    now = timezone.now()
    again_at = deliver_next(now)
    assert again_at is not None
    again_at = deliver_next(again_at)
    assert again_at is not None
    assert dt.timedelta(seconds=36) < again_at - now < dt.timedelta(seconds=40)
    assert (telegram.texts, Notice.objects.get().attempts) == ([], 0)
    deliver_all(again_at)
    assert (len(telegram.texts), states()) == (1, ["sent"])


@pytest.mark.parametrize("answer", [BLOCKED, NO_CHAT])
def test_who_blocks_the_bot_has_it_parked_with_the_reason(told: Box, telegram: Telegram, answer: Reply) -> None:
    telegram.answers = [answer]
    stop_node()
    deliver_all()
    row = Notice.objects.get()
    assert row.state == "parked"
    assert row.error == f"Telegram: {answer.status} {answer.body['description']}"  # type: ignore[index]
    assert TOKEN not in row.error


def test_a_telegram_that_is_away_is_tried_again_and_then_parked(told: Box, telegram: Telegram) -> None:
    telegram.answers = [Reply(status=502, body=b"<html>")] * MAX_ATTEMPTS
    stop_node()
    deliver_all()
    row = Notice.objects.get()
    assert (row.state, row.attempts) == ("parked", MAX_ATTEMPTS)
    assert row.error == "Telegram could not be asked (DecodeError)"


def test_a_credential_taken_away_parks_with_words(told: Box, telegram: Telegram) -> None:
    stop_node()
    delete_credential(Service.TELEGRAM, actor="test")
    deliver_all()
    row = Notice.objects.get()
    assert (row.state, row.error) == ("parked", "No credential of telegram is set")


def test_a_long_message_goes_in_parts_and_goes_on_where_it_broke_off(told: Box, telegram: Telegram) -> None:
    store_settings(NotifySettings(language="en"))
    for number in range(60):
        note("rollback", f"{number}: " + "🦀" * 100)
    telegram.answers = []
    later = timezone.now() + MINUTE
    again_at = deliver_next(later)
    telegram.answers = [slow_down(5)]
    assert again_at is not None
    deliver_all(again_at + MINUTE)
    assert len(telegram.texts) > 2
    assert sum(text.count("🦀") for text in telegram.texts) == 6000
    assert set(states()) == {"sent"}


def test_the_next_owner_is_told_nothing_of_the_one_before(told: Box, telegram: Telegram) -> None:
    stop_node()
    announce_owner_change(told.tenant)
    deliver_all()
    assert (telegram.texts, states()) == ([], [])


def park_job(box: Box) -> None:
    """As the fair queue does with a job that killed its worker five times."""
    with leave_tenant():
        Job.objects.filter(dazbox_id=box.dazbox.id, task=TASK).update(due_at=None)


def test_messages_whose_job_was_parked_get_another_one_once(told: Box, telegram: Telegram) -> None:
    stop_node()
    now = timezone.now()
    assert not sweep_notices(now + dt.timedelta(hours=1))  # its job will come
    park_job(told)
    assert not sweep_notices(now)  # not late yet
    assert sweep_notices(now + dt.timedelta(hours=1))
    assert not sweep_notices(now + dt.timedelta(hours=1))
    deliver_all()
    assert (len(telegram.texts), states()) == (1, ["sent"])


def test_every_box_is_swept_within_an_hour(told: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_node()
    Notice.objects.update(due_at=timezone.now() - dt.timedelta(hours=2))
    park_job(told)
    before = count_jobs(told)
    now = timezone.now()
    with leave_tenant():
        for number in range(SHARES):
            moment = now + dt.timedelta(seconds=number * SHARE_S)
            monkeypatch.setattr("nodes.tasks.timezone.now", lambda moment=moment: moment)
            sweep_late_notices()
    assert count_jobs(told) == before + 1
    schedule = app.conf.beat_schedule["sweep-notices"]
    assert (schedule["task"], schedule["schedule"]) == (sweep_late_notices.name, SHARE_S)


def test_what_could_not_be_delivered_within_a_day_is_parked_with_words(told: Box, telegram: Telegram) -> None:
    stop_node()
    park_job(told)
    assert not sweep_notices(timezone.now() + dt.timedelta(days=1, minutes=1))
    row = Notice.objects.get()
    assert (row.state, row.error) == ("parked", "It could not be delivered within a day")


def _die(*args: Any, **options: Any) -> None:
    raise SystemExit
