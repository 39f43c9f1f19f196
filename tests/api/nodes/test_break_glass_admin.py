"""The admin shows no box's data, until an operator breaks the glass in the session they look from."""

import html
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from nodes.engine.webhook.endpoint import Target
from nodes.models.action import Action
from nodes.models.journal import JournalEntry
from nodes.pipeline.webhook.endpoint import create_endpoint
from nodes.pipeline.webhook.replay import send_test
from tenants.context import enter_tenant
from tests.api import lasting
from tests.factories import Box

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


@pytest.fixture
def olga(db: None) -> Client:
    return sign_in("olga")


def sign_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(name, is_staff=True, is_superuser=True))
    return client


def path_of(box: Box) -> str:
    return f"/admin/tenants/breakglass/look/{box.dazbox.id}/"


def page(client: Client, box: Box, **form: Any) -> str:
    answer = client.post(path_of(box), form, follow=True) if form else client.get(path_of(box))
    assert answer.status_code == 200
    return str(answer.content, "utf-8")


def list_looks(box: Box) -> list[str]:
    with enter_tenant(box.tenant):
        return [entry.detail.text for entry in JournalEntry.objects.filter(kind="break-glass").order_by("id")]


def test_an_operator_looks_with_a_reason_until_they_are_done(alice: Box, olga: Client) -> None:
    assert "alice peer" not in page(olga, alice)
    assert list_looks(alice) == []
    shown = page(olga, alice, reason="Its owner asked us to look", minutes=5)
    assert "alice peer" in shown
    assert "800000x1x0" in shown
    assert "alice peer" not in page(olga, alice, close="1")
    opened, looked, closed = list_looks(alice)
    assert "Its owner asked us to look" in opened
    assert (looked, closed) == (
        "An operator read actions, decisions, channels and webhooks, in the admin",
        "The operator is done reading",
    )


def test_actions_and_decisions_are_one_click_from_the_list_with_state_fees_why_and_when(
    alice: Box, olga: Client
) -> None:
    assert f'href="{path_of(alice)}"' in str(olga.get("/admin/tenants/dazbox/").content, "utf-8")
    shown = page(olga, alice, reason="Its owner asked us to look", minutes=5)
    with enter_tenant(alice.tenant):
        action = Action.objects.order_by("-created_at")[0]
    change = f"fee rate {action.expected_policy.fee_rate_ppm} to {action.policy.fee_rate_ppm} ppm"
    for words in ("Planned", change, f"{action.created_at:%Y-%m-%d %H:%M}", "Held by", "Decided"):
        assert words in shown
    assert html.escape(action.why) in shown


def test_webhooks_and_their_deliveries_are_shown_without_paths_and_bodies(alice: Box, olga: Client) -> None:
    with enter_tenant(alice.tenant):
        endpoint = create_endpoint(Target(url="https://hooks.example.com/secret-path"), actor="test")
        send_test(endpoint.id)
    shown = page(olga, alice, reason="Its owner asked us to look", minutes=5)
    for words in ("hooks.example.com", "webhook.test", "Waiting", "Last taken, UTC"):
        assert words in shown
    for secret in ("secret-path", endpoint.secrets.current, "msg_"):
        assert secret not in shown


def test_the_leave_is_of_one_session_and_one_box(alice: Box, bob: Box, olga: Client) -> None:
    page(olga, alice, reason="Its owner asked us to look", minutes=5)
    assert "bob peer" not in page(olga, bob)
    assert "alice peer" not in page(sign_in("otto"), alice)


@pytest.mark.parametrize(
    "form", [{"reason": "short", "minutes": 5}, {"reason": "long enough to be one", "minutes": 61}]
)
def test_without_a_reason_or_an_end_there_is_no_leave(alice: Box, olga: Client, form: dict[str, Any]) -> None:
    assert "alice peer" not in page(olga, alice, **form)
    assert list_looks(alice) == []


def test_nobody_else_gets_so_far(alice: Box, db: None) -> None:
    answer = Client().post(path_of(alice), {"reason": "Its owner asked us to look", "minutes": 5})
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]
    assert list_looks(alice) == []


def test_the_list_of_leaves_shows_who_and_when(alice: Box, olga: Client) -> None:
    page(olga, alice, reason="Its owner asked us to look", minutes=5)
    listed = str(olga.get("/admin/tenants/breakglass/").content, "utf-8")
    assert "operator:" in listed
    assert "asked us to look" not in listed
    assert path_of(alice) in str(olga.get(f"/admin/tenants/dazbox/{alice.dazbox.id}/change/").content, "utf-8")
