"""Operators stop the engine from the admin: two clicks, and a word typed by hand."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants.models.kill_switch import OperatorSwitch
from tests.factories import Box

ALL = "/admin/tenants/operatorswitch/turn/"


@pytest.fixture
def olga(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("olga", is_staff=True, is_superuser=True))
    return client


def turn(client: Client, path: str, confirmation: str, reason: str = "") -> str:
    answer = client.post(path, {"confirmation": confirmation, "reason": reason}, follow=True)
    assert answer.status_code == 200
    return str(answer.content, "utf-8")


def test_one_click_leads_to_each_switch(alice: Box, olga: Client) -> None:
    boxes = str(olga.get("/admin/tenants/dazbox/").content, "utf-8")
    assert f'href="{ALL}"' in boxes  # in the sidebar, which is on every page
    assert f'href="{ALL}{alice.dazbox.id}/"' in boxes


def test_the_reason_is_marked_as_required(olga: Client) -> None:
    field = str(olga.get(ALL).content, "utf-8").split('name="reason"')[1].split(">")[0]
    assert "required" in field
    turn(olga, ALL, "stop all nodes", "a bad release")
    assert 'name="reason"' not in str(olga.get(ALL).content, "utf-8")


def test_all_nodes_are_stopped_and_go_on_with_the_words_typed(olga: Client) -> None:
    assert "Off." in turn(olga, ALL, "stop", "a bad release")
    assert "Off." in turn(olga, ALL, "stop all nodes")
    assert OperatorSwitch.objects.count() == 0
    assert "a bad release" in turn(olga, ALL, "stop all nodes", "a bad release")
    assert "On" in turn(olga, ALL, "stop all nodes", "again")
    assert OperatorSwitch.objects.get().dazbox is None
    assert "Off." in turn(olga, ALL, "go on all nodes")
    assert OperatorSwitch.objects.count() == 0


def test_one_box_is_stopped_alone(alice: Box, bob: Box, olga: Client) -> None:
    path = f"{ALL}{alice.dazbox.id}/"
    assert "Off." in turn(olga, path, f"stop {bob.pubkey[:10]}", "hers")
    assert "hers" in turn(olga, path, f"stop {alice.pubkey[:10]}", "hers")
    assert OperatorSwitch.objects.get().dazbox == alice.dazbox
    assert "hers" in str(olga.get(ALL).content, "utf-8")


def test_nobody_else_gets_so_far(db: None) -> None:
    answer = Client().post(ALL, {"confirmation": "stop all nodes", "reason": "x"})
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]
    assert OperatorSwitch.objects.count() == 0
