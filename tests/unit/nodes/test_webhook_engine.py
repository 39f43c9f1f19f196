"""The retry plan, the bodies, the signatures and the journal's events of webhooks, and how long a node may be quiet."""

import base64
import datetime as dt
import json
import os
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from nodes.engine.alert import LEAST, NEAR, REACHED, find_level, find_patience
from nodes.engine.webhook.endpoint import Secrets, Target, make_secret
from nodes.engine.webhook.event import EVENT_TYPES, MAX_NAMED, SHAPES, SUMMARIES, count_actions, write_body
from nodes.engine.webhook.journal import read_entry
from nodes.engine.webhook.plan import JITTER, PLAN_S, find_pause, find_retry
from nodes.notify.webhook.signature import sign

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_the_plan_is_that_of_standard_webhooks_with_a_jitter_that_only_adds() -> None:
    for attempts in range(1, len(PLAN_S)):
        pauses = [find_retry(attempts, seed=os.urandom(16)) for _ in range(50)]
        shares = [pause.total_seconds() / PLAN_S[attempts] for pause in pauses if pause]
        assert len(shares) == 50
        assert min(shares) >= 1
        assert max(shares) <= 1 + JITTER
        assert max(shares) > min(shares)
    assert find_retry(len(PLAN_S), seed=b"") is None
    assert sum(PLAN_S) / 3600 == pytest.approx(75.6, abs=0.1)


def test_the_same_delivery_gets_the_same_pause() -> None:
    assert find_retry(2, seed=b"one") == find_retry(2, seed=b"one")


def test_an_endpoint_that_is_away_is_tried_every_two_hours_at_least() -> None:
    assert [find_pause(failures).total_seconds() for failures in (0, 1, 2, 3, 4, 9, 99)] == [
        5,
        5,
        300,
        1800,
        *[7200] * 3,
    ]


def test_a_body_stays_small_and_counts_what_it_does_not_name() -> None:
    facts = count_actions([UUID(int=number) for number in range(20_000)], run_id=UUID(int=1))
    body = write_body("action.planned", facts, at=NOW, device_id=UUID(int=2), pubkey="02" * 33)
    assert len(body) < 20_000
    told = json.loads(body)["data"]
    assert (told["count"], len(told["action_ids"])) == (20_000, MAX_NAMED)


def test_every_event_has_a_shape_and_words() -> None:
    assert tuple(SHAPES) == tuple(SUMMARIES) == EVENT_TYPES


def test_a_signature_is_verified_by_each_secret_that_lives() -> None:
    old = Secrets(current=make_secret())
    both = old.rotate(NOW, overlap=HOUR)
    assert both.list_live(NOW) == [both.current, old.current]
    assert both.list_live(NOW + HOUR) == [both.current]
    now_s = int(dt.datetime.now(dt.UTC).timestamp())
    headers = sign(both.list_live(NOW), message_id="msg_1", timestamp_s=now_s, body=b'{"a": 1}')
    for secret in both.list_live(NOW):
        assert Webhook(secret).verify(b'{"a": 1}', headers) == {"a": 1}


def test_the_signature_is_the_one_of_the_specifications_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: the test vector of its libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = sign([secret], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp_s=1614265330, body=body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_has_32_random_bytes() -> None:
    assert len(base64.b64decode(make_secret().removeprefix("whsec_"))) == 32
    assert make_secret() != make_secret()


def test_secrets_and_addresses_are_not_printed() -> None:
    assert "whsec" not in repr(Secrets(current=make_secret()))
    assert "http" not in repr(Target(url="https://hooks.example.com/token"))


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("cycle", {"run": "1"}),
        ("action", {"count": 3, "after": "superseded"}),
        ("action", {"action": str(UUID(int=1)), "after": "confirmed"}),  # the box's word: a snapshot has to show it
        ("webhook", {"webhook": str(UUID(int=1)), "actor": "owner"}),
        ("rollback", {}),
        ("action", {"action": "none", "after": "sent"}),
    ],
)
def test_what_is_no_event_is_told_to_nobody(kind: str, facts: dict[str, str]) -> None:
    assert read_entry(kind, facts) is None


def test_a_node_may_be_quiet_three_times_as_long_as_it_usually_is() -> None:
    assert find_patience([]) == find_patience([NOW]) == LEAST
    assert find_patience([NOW, NOW - HOUR / 60]) == LEAST
    assert find_patience([NOW, NOW - HOUR, NOW - 2 * HOUR, NOW - 9 * HOUR]) == 3 * HOUR


@pytest.mark.parametrize(
    ("share", "told", "level"),
    [
        (0.5, 0.0, 0.0),
        (0.8, 0.0, NEAR),
        (1.2, 0.0, REACHED),
        (1.0, NEAR, REACHED),
        (0.75, NEAR, NEAR),
        (0.69, NEAR, 0.0),
    ],
)
def test_a_level_ends_only_well_below_its_mark(share: float, told: float, level: float) -> None:
    assert find_level(share, told) == level
