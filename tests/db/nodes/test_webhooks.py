"""Webhooks over a real socket, verified as a receiver would: what is sent, when again, and when no more."""

import datetime as dt
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from nodes.engine.webhook.endpoint import Target
from nodes.engine.webhook.event import RecommendationFacts
from nodes.engine.webhook.plan import LONGEST, PLAN_S
from nodes.models.webhook import WebhookDelivery, WebhookEndpoint, WebhookMessage
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.kill_switch import lift_switch
from nodes.pipeline.release import ReleaseChange, change_release
from nodes.pipeline.webhook.deliver import KEPT, SLOW_LANE_AGAIN, deliver_next, prune_deliveries
from nodes.pipeline.webhook.endpoint import change_endpoint, rotate_secret
from nodes.pipeline.webhook.outbox import TASK, announce
from nodes.pipeline.webhook.replay import replay_delivery, replay_since, send_test
from nodes.pipeline.webhook.slow_lane import KEY
from nodes.pipeline.webhook.sweep import sweep_webhooks
from nodes.tasks import deliver_webhooks
from tenants.context import leave_tenant
from tenants.events import announce_owner_change
from tenants.models.job import Job
from tests.db.nodes.acting import inside, journal, planned, write
from tests.db.nodes.hooked import deliver_all, listening, set_up, states, stop_node
from tests.factories import Box
from tests.fakes.json_server import Reply
from tests.fakes.receiver import Receiver

WHOLE_PLAN = LONGEST + dt.timedelta(hours=3)
DAY = dt.timedelta(days=1)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with listening(receiver) as [url]:
        yield url


@pytest.fixture
def hooked(alice: Box, receiver: Receiver, url: str) -> Iterator[WebhookEndpoint]:
    """Behind alice's door, whose owner has one endpoint that wants everything."""
    with inside(alice):
        yield set_up(receiver, url)


def count_jobs(box: Box) -> int:
    with leave_tenant():
        return Job.objects.filter(dazbox_id=box.dazbox.id, task=TASK).count()


def test_what_happens_is_told_signed_with_its_type_version_instant_and_node(
    hooked: WebhookEndpoint, alice: Box, receiver: Receiver
) -> None:
    stop_node()
    deliver_all()
    [(message_id, body)] = receiver.taken
    assert message_id.startswith("msg_")
    assert {name: body[name] for name in ("type", "version", "data", "device_id", "pubkey")} == {
        "type": "kill_switch",
        "version": 1,
        "data": {"is_on": True, "scope": "node"},
        "device_id": str(alice.dazbox.id),
        "pubkey": alice.pubkey,
    }
    assert timezone.now() - dt.datetime.fromisoformat(body["timestamp"]) < dt.timedelta(minutes=1)
    assert states(hooked) == ["delivered"]


def test_the_life_of_an_action_is_told_step_by_step(hooked: WebhookEndpoint, alice: Box, receiver: Receiver) -> None:
    [action, *_] = planned()
    write(alice, action)
    deliver_all()
    assert receiver.events == ["action.approved", "action.sent", "action.confirmed"]
    assert {body["data"]["action_ids"][0] for _, body in receiver.taken} == {str(action.id)}


def test_a_run_is_one_event_however_many_actions_it_plans(hooked: WebhookEndpoint, receiver: Receiver) -> None:
    change_release(ReleaseChange(mode="live"), actor="owner")
    run = run_cycle()
    deliver_all()
    assert receiver.events.count("action.planned") == 1
    [told] = [body["data"] for _, body in receiver.taken if body["type"] == "action.approved"]
    assert run is not None
    assert (told["run_id"], told["count"], len(told["action_ids"])) == (str(run.id), 2, 2)


def test_advice_is_announced_by_one_call_in_its_own_transaction(
    hooked: WebhookEndpoint, alice: Box, receiver: Receiver
) -> None:
    before = count_jobs(alice)
    facts = RecommendationFacts(count=1, recommendation_ids=(UUID(int=1),))
    with transaction.atomic():
        announce("recommendation.created", facts)
        transaction.set_rollback(True)
    assert (states(hooked), count_jobs(alice)) == ([], before)
    announce("recommendation.created", facts)
    deliver_all()
    assert receiver.events == ["recommendation.created"]


def test_facts_of_another_event_are_no_facts_of_this_one(hooked: WebhookEndpoint) -> None:
    with pytest.raises(TypeError):
        announce("mode.changed", RecommendationFacts(count=0, recommendation_ids=()))


def test_an_endpoint_gets_what_it_wants_and_nothing_else(alice: Box, receiver: Receiver, url: str) -> None:
    with inside(alice):
        set_up(receiver, url, "mode.changed")
        stop_node()
        change_release(ReleaseChange(mode="canary"), actor="owner")
        deliver_all()
    assert receiver.events == ["mode.changed"]


def test_no_value_that_the_box_keeps_sealed_is_in_a_body(alice: Box, receiver: Receiver, url: str) -> None:
    with inside(alice):
        set_up(receiver, url)
        stop_node()
        lift_switch(b"\x00" * 32, actor="owner")
        change_release(ReleaseChange(mode="live"), actor="owner")
        actions = planned()
        told = "".join(WebhookMessage.objects.values_list("event", flat=True))
        bodies = "".join(message.body for message in WebhookMessage.objects.all())
    assert "kill_switch" in told
    for word in ("a pause", "alice peer", "800000x", *(str(one.policy.fee_rate_ppm) + "," for one in actions)):
        assert word not in bodies


def test_while_a_secret_is_replaced_both_verify_and_afterwards_the_new_one_alone(
    hooked: WebhookEndpoint, receiver: Receiver
) -> None:
    old = hooked.secrets.current
    new = rotate_secret(hooked, overlap=DAY, actor="test")
    stop_node()
    deliver_all()
    [call] = receiver.calls
    assert (receiver.verifies(call, old), receiver.verifies(call, new)) == (True, True)
    rotate_secret(hooked, overlap=dt.timedelta(0), actor="test")
    send_test(hooked.id)
    deliver_all()
    assert receiver.verifies(receiver.calls[-1], new) is False
    assert receiver.verifies(receiver.calls[-1], hooked.secrets.current) is True


def test_what_is_not_taken_is_sent_again_by_the_plan_with_the_same_id(
    hooked: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.answers = [Reply(status=500, body=b"no\x00"), Reply(status=400), Reply(status=302)]
    stop_node()
    moments = [timezone.now()]
    while again_at := deliver_next(moments[-1]):
        moments.append(again_at)
    assert [call.headers["webhook-id"] for call in receiver.calls] == [receiver.taken[0][0]] * 4
    delivery = WebhookDelivery.objects.get()
    assert [one.status for one in delivery.log] == [500, 400, 302, 204]
    assert delivery.log[0].answer == "no "
    assert delivery.log[2].error == "It answered 302, and redirects are not followed"
    assert (delivery.state, delivery.error, delivery.attempts) == ("delivered", "", 4)


def test_after_the_whole_plan_it_is_parked_and_the_endpoint_switched_off_with_a_notice(
    hooked: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.answers = [Reply(status=500)] * 50
    stop_node()
    deliver_all(until=WHOLE_PLAN)
    hooked.refresh_from_db()
    assert len(receiver.calls) == len(PLAN_S)
    assert (states(hooked), hooked.disabled_by) == (["parked", "parked"], "failed")  # the notice waits for it as well
    assert journal("webhook")[-1] == (
        f"Nothing is sent to the webhook {hooked.id} any more: nothing could be delivered for three days"
    )


def test_an_endpoint_that_takes_other_events_stays_on_though_one_is_parked(
    hooked: WebhookEndpoint, receiver: Receiver
) -> None:
    stop_node()
    WebhookDelivery.objects.update(attempts=len(PLAN_S) - 1)
    receiver.answers = [Reply(status=500)]
    WebhookEndpoint.objects.update(delivered_at=timezone.now() + DAY)
    deliver_all()
    hooked.refresh_from_db()
    assert (states(hooked), hooked.disabled_by) == (["parked"], "")


def test_410_switches_the_endpoint_off_at_once_and_the_others_are_told(
    alice: Box, receiver: Receiver, url: str
) -> None:
    other = Receiver(answers=[Reply(status=410)])
    with inside(alice), listening(other, receiver) as [gone_url, good_url]:
        set_up(receiver, good_url, "webhook.disabled")
        gone = set_up(other, gone_url)
        stop_node()
        deliver_all()
        gone.refresh_from_db()
        assert (gone.disabled_by, states(gone)) == ("gone", ["parked", "parked"])
    [(_, body)] = receiver.taken
    assert body["data"] == {"webhook_id": str(gone.id), "reason": "gone"}
    assert len(other.calls) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_and_one_message_knocks_for_all(
    hooked: WebhookEndpoint, receiver: Receiver, status: int
) -> None:
    receiver.answers = [Reply(status=status, headers={"Retry-After": "1800"})]
    for _ in range(3):
        send_test(hooked.id)
    again_at = deliver_next(timezone.now())
    assert again_at is not None
    assert 1790 < (again_at - timezone.now()).total_seconds() < 1810
    assert len(receiver.calls) == 1
    deliver_all(until=dt.timedelta(seconds=1820))
    assert receiver.events == ["webhook.test"] * 3


def test_while_the_receiver_is_away_one_event_knocks_and_all_go_when_it_is_back(alice: Box, receiver: Receiver) -> None:
    with inside(alice):
        with listening(receiver) as [url]:
            endpoint = set_up(receiver, url)
            port = urlsplit(url).port or 0
        for _ in range(3):
            send_test(endpoint.id)
        again_at = deliver_next(timezone.now())
        assert again_at is not None
        assert sorted(endpoint.deliveries.values_list("attempts", flat=True)) == [0, 0, 1]
        with listening(receiver, port=port):
            assert deliver_all(until=dt.timedelta(seconds=10)) == 4
    assert receiver.events == ["webhook.test"] * 3


def test_slow_receivers_of_all_boxes_share_one_worker_and_come_after_the_quick(
    hooked: WebhookEndpoint, receiver: Receiver, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = set_up(receiver, url, "webhook.test")
    monkeypatch.setattr("nodes.pipeline.webhook.deliver.SLOW_MS", 0)
    send_test(hooked.id)
    deliver_all()
    assert WebhookEndpoint.objects.get(id=hooked.id).is_slow is True
    cache.set(KEY, "another box's")
    send_test(hooked.id)
    send_test(quick.id)
    deliver_next(timezone.now())
    assert (states(hooked), states(quick)) == (["delivered", "waiting"], ["delivered"])
    again_at = deliver_next(timezone.now())
    assert again_at is not None
    assert again_at - timezone.now() <= SLOW_LANE_AGAIN
    assert states(hooked) == ["delivered", "waiting"]
    cache.delete(KEY)
    deliver_all()
    assert states(hooked) == ["delivered", "delivered"]
    assert cache.get(KEY) is None


def test_an_attempt_cut_off_is_written_down_and_made_again(
    hooked: WebhookEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    stop_node()
    with monkeypatch.context() as patch:
        patch.setattr("nodes.pipeline.webhook.deliver.record", die)
        with pytest.raises(SystemExit):
            deliver_next(timezone.now())
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.error) == (
        "waiting", 1, "The attempt was cut off: its worker ended",
    )  # fmt: skip
    deliver_all(until=dt.timedelta(minutes=1))
    assert [message_id for message_id, _ in receiver.taken] == [receiver.taken[0][0]] * 2


def test_a_delivery_is_replayed_with_its_id_and_since_an_instant_all_that_failed(
    hooked: WebhookEndpoint, receiver: Receiver
) -> None:
    stop_node()
    deliver_all()
    began = timezone.now()
    receiver.answers = [Reply(status=500)]
    send_test(hooked.id)
    deliver_all()
    [first, second] = WebhookDelivery.objects.order_by("created_at")
    assert replay_delivery(hooked.id, first.id) == 1
    deliver_all()
    assert [message_id for message_id, _ in receiver.taken] == [first.message.public_id] * 2
    assert replay_since(hooked.id, began, only_failed=True) == 1
    deliver_all()
    assert receiver.taken[-1][0] == second.message.public_id
    assert replay_since(hooked.id, began - DAY, only_failed=False) == 2


def test_what_happened_while_it_was_off_can_be_replayed(hooked: WebhookEndpoint, receiver: Receiver) -> None:
    change_endpoint(hooked, hooked.target, is_enabled=False, actor="owner")
    stop_node()
    deliver_all()
    assert (receiver.calls, states(hooked)) == ([], ["parked"])
    change_endpoint(hooked, hooked.target, is_enabled=True, actor="owner")
    assert replay_since(hooked.id, timezone.now() - DAY, only_failed=True) == 1
    deliver_all()
    assert receiver.events == ["kill_switch"]


def test_where_no_job_comes_a_sweep_brings_one(hooked: WebhookEndpoint, alice: Box) -> None:
    stop_node()
    assert sweep_webhooks(timezone.now()) is False
    with leave_tenant():
        Job.objects.filter(task=TASK).delete()
    assert sweep_webhooks(timezone.now()) is True
    assert count_jobs(alice) == 1


def test_what_is_settled_goes_after_a_month(hooked: WebhookEndpoint) -> None:
    stop_node()
    deliver_all()
    assert prune_deliveries(timezone.now()) == 0
    assert prune_deliveries(timezone.now() + KEPT + DAY) == 1
    assert (WebhookDelivery.objects.count(), WebhookMessage.objects.count()) == (0, 0)


def test_a_new_owner_finds_no_endpoints_of_the_one_before(hooked: WebhookEndpoint, alice: Box) -> None:
    stop_node()
    announce_owner_change(alice.tenant)
    assert WebhookEndpoint.objects.count() == WebhookMessage.objects.count() == 0


def test_an_address_inside_is_refused_when_it_is_connected_to_not_only_when_it_is_set(
    alice: Box, receiver: Receiver, url: str
) -> None:
    with inside(alice):
        endpoint = set_up(receiver, url)
        endpoint.target = Target(url="https://127.0.0.1:8443/hooks")
        endpoint.save()
        stop_node()
        deliver_next(timezone.now())
        [attempt] = WebhookDelivery.objects.get().log
    assert attempt.error == "Not sent: 127.0.0.1 leads to 127.0.0.1, which is not public"
    assert receiver.calls == []


def test_a_job_asks_for_the_next_one_once_however_many_brought_it(
    hooked: WebhookEndpoint, alice: Box, receiver: Receiver
) -> None:
    receiver.answers = [Reply(status=503)]
    for _ in range(3):
        send_test(hooked.id)
    with leave_tenant():
        jobs = list(Job.objects.filter(task=TASK))
    for job in jobs:
        with leave_tenant():
            job.delete()
        deliver_webhooks.run()
    assert count_jobs(alice) == 1
