"""Operators see and keep MCP servers in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bridge.catalogue.models import McpServer
from bridge.manager.catalogue import approve_tools
from bridge.selectors.catalogue import find_row
from tests.db.bridge.gateways import make_gateway, make_seen, tell, write_line

ALL, ONE = "/admin/catalogue/mcpserver/", "/admin/catalogue/mcpserver/of/echo/"


@pytest.fixture
def olga(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("olga", is_staff=True, is_superuser=True))
    return client


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content, "utf-8")


def test_nothing_is_said_of_what_is_not_known(olga: Client, echo: McpServer) -> None:
    page = read(olga, ALL)
    assert "No gateway is running" in page
    assert "no data" in page
    assert "No gateway has reported any in the last ten seconds" in read(olga, ONE)


def test_a_server_is_shown_as_gateways_see_it(olga: Client, echo: McpServer) -> None:
    tell(make_gateway("gateway-1", make_seen("echo", last_error="it <ended>", last_error_at=1.0)))
    page = read(olga, ALL)
    assert "1 gateway running" in page
    for words in ("ready", "50 MB", "10 (2 failed)", "it &lt;ended&gt;", "0:01:0"):
        assert words in page
    one = read(olga, ONE)
    assert "gateway-1" in one
    assert "1.5 s" in one
    assert "2025-11-25" in one


@pytest.mark.parametrize(("act", "should_run"), [("stop", False), ("start", True)])
def test_it_is_stopped_and_started(olga: Client, echo: McpServer, act: str, should_run: bool) -> None:
    answer = olga.post(f"{ONE}act/", {"act": act, "back": "list"}, follow=True)
    assert "echo should" in str(answer.content, "utf-8")
    assert find_row("echo").should_run is should_run
    assert find_row("echo").changed_by.startswith("operator:")


def test_a_restart_nobody_hears_is_said(olga: Client, echo: McpServer) -> None:
    assert "start a gateway" in str(olga.post(f"{ONE}act/", {"act": "restart"}, follow=True).content, "utf-8")


def test_tools_in_quarantine_are_approved_by_what_stood_on_the_page(olga: Client, echo: McpServer) -> None:
    approve_tools("echo", {"echo": "ab" * 32}, actor="test")
    tell(make_gateway("a", make_seen("echo", seen_pins={"echo": "cd" * 32}, quarantined=("echo",))))
    assert "1 in quarantine" in read(olga, ALL)
    assert f'value="{"cd" * 32}=echo"' in read(olga, ONE)
    olga.post(f"{ONE}act/", {"act": "approve", "pin": [f"{'cd' * 32}=echo"]})
    assert [pin.sha256 for pin in find_row("echo").pins.all()] == ["cd" * 32]


def test_the_log_is_shown_and_grows(olga: Client, echo: McpServer) -> None:
    place = write_line("echo", "first <line>")
    assert "first &lt;line&gt;" in read(olga, ONE)
    write_line("echo", "second")
    items: Any = olga.get(f"{ONE}log/?after={place}").json()["items"]
    assert [line["text"] for line in items] == ["second"]


def test_the_built_in_server_is_shown_with_its_tools_and_without_a_way_to_stop_it(olga: Client) -> None:
    tell(make_gateway("a", make_seen("dazbox", seen_pins={"node_info": "ab" * 32})))
    page = read(olga, ALL)
    assert "built in" in page
    assert "Without the catalogue" not in page
    one = read(olga, "/admin/catalogue/mcpserver/of/dazbox/")
    assert "node_info" in one
    assert "ab" * 8 in one
    assert 'value="restart"' in one
    assert 'value="stop"' not in one


FILE = '{"mcpServers": {"time": {"command": "uvx"}, "mail": {"command": "m", "env": {"KEY": "${KEY}"}}}}'


def test_an_assistant_s_file_is_tried_and_then_taken(olga: Client) -> None:
    page = str(olga.post(f"{ALL}import/", {"content": FILE, "act": "try"}).content, "utf-8")
    assert "nothing has changed" in page
    assert "<code>/mcpServers/mail/env/KEY</code> wants <code>KEY</code>" in page
    assert not McpServer.objects.exists()
    page = str(olga.post(f"{ALL}import/", {"content": FILE, "values": "KEY=s3cret", "act": "import"}).content, "utf-8")
    assert "mail: added" in page
    assert "s3cret" not in page
    assert find_row("time").changed_by.startswith("operator:")
    for given, words in (({"values": ""}, "time: there already, as the file has it"), ({"values": "KEY"}, "Give NAME")):
        again = olga.post(f"{ALL}import/", {"content": FILE, "act": "import"} | given)
        assert words in str(again.content, "utf-8")


def test_a_server_that_is_gone_leads_back(olga: Client) -> None:
    assert "no server echo any more" in str(olga.get(ONE, follow=True).content, "utf-8")


def test_nobody_else_gets_so_far(echo: McpServer) -> None:
    for path in (ALL, ONE, f"{ONE}log/"):
        assert "/admin/login/" in Client().get(path)["Location"]
    assert "/admin/login/" in Client().post(f"{ONE}act/", {"act": "stop"})["Location"]
    assert find_row("echo").should_run
