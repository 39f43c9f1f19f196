"""What gateways are told is what the database says, as soon as it does, and again after Redis lost it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from bridge.catalogue.models import McpServer
from bridge.engine.server import Http, Pin, Server, Stdio
from bridge.manager import publish as publishing
from bridge.manager.catalogue import add_server, approve_tools, delete_server, replace_server, set_running
from bridge.manager.publish import publish, try_publish
from bridge.manager.secret import set_secret
from bridge.models.secret import OwnSecret
from bridge.selectors.catalogue import find_row
from bridge.tasks import tend_catalogue
from mcp_saas.kit.errors import Problem
from tenants.context import enter_tenant
from tenants.models.dazbox import Dazbox
from tenants.provisioning.lifecycle import lift_suspension, suspend_dazbox
from tenants.tokens.refresh import revoke_access
from tests.db.bridge.gateways import make_gateway, make_seen, read_told, tell
from tests.factories import Box

ECHO = Server("echo", Stdio("/usr/bin/echo-server", ("-v",), env={"TOKEN": "s3cret"}))
Commit = Callable[..., Any]


def told_names() -> list[str]:
    told = read_told()
    return [server.name for server in told.servers] if told else []


def test_a_change_is_told_when_it_is_committed_and_not_before(django_capture_on_commit_callbacks: Commit) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        add_server(ECHO, actor="test")
        assert read_told() is None
    told = read_told()
    assert told is not None
    assert told.servers == (ECHO,)


def test_secrets_lie_sealed_in_database_and_redis(empty_board: Any) -> None:
    add_server(ECHO, actor="test")
    publish()
    assert b"s3cret" not in bytes(McpServer.objects.get().sealed_transport)
    assert b"s3cret" not in empty_board.get("dazbox:mcp:catalogue")


def test_each_change_has_a_higher_number_and_none_has_none() -> None:
    first = publish()
    add_server(ECHO, actor="test")
    second = publish()
    assert first is not None
    assert second is not None
    assert second > first
    assert publish() == second


def test_a_server_s_revision_grows_with_each_change() -> None:
    add_server(ECHO, actor="test")
    replace_server(Server("echo", Http("https://example.com/mcp")), actor="test")
    set_running("echo", should_run=False, actor="test")
    approve_tools("echo", {"echo": "ab" * 32}, actor="test")
    publish()
    told = read_told()
    assert told is not None
    [server] = told.servers
    assert (server.revision, server.should_run, server.pins) == (4, False, (Pin("echo", "ab" * 32),))
    delete_server("echo")
    publish()
    assert told_names() == []


def test_a_redis_that_lost_everything_is_told_again(empty_board: Any) -> None:
    add_server(ECHO, actor="test")
    number = publish()
    empty_board.flushdb()
    tend_catalogue()
    told = read_told()
    assert told is not None
    assert (told.revision, told_names()) == (number, ["echo"])


def test_what_stands_there_already_is_not_written_again(empty_board: Any) -> None:
    publish()
    before = empty_board.get("dazbox:mcp:catalogue")
    tend_catalogue()
    assert empty_board.get("dazbox:mcp:catalogue") == before


def test_gateways_hear_of_a_change(empty_board: Any) -> None:
    listener = empty_board.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("dazbox:mcp:changed")
    listener.get_message(timeout=5)
    number = publish()
    message = listener.get_message(timeout=5) or listener.get_message(timeout=5)
    assert message["data"] == str(number).encode()


def test_an_older_state_never_replaces_a_newer(empty_board: Any) -> None:
    """A process that read before another wrote, and comes to write after it."""
    add_server(ECHO, actor="test")
    key = publishing.state_key()
    assert key is not None
    slow = publishing.take_stock(key)
    delete_server("echo")
    publish()
    publishing._tell(slow, key)
    assert told_names() == []


def test_a_restored_database_is_told_although_redis_knows_a_higher_number(empty_board: Any) -> None:
    empty_board.set(publishing.NUMBER, 10**9)
    add_server(ECHO, actor="test")
    number = publish()
    assert number is not None
    assert number > 10**9
    assert told_names() == ["echo"]


def test_redis_away_is_nobody_s_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "CATALOGUE", "dazbox:mcp:catalogue")

    class Away:
        def eval(self, *_: object) -> None:
            raise RedisAway("away")

    monkeypatch.setattr(publishing, "board", Away)
    assert try_publish() is False


def test_a_suspended_box_is_closed_and_open_again_when_it_is_back(
    alice: Box, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        suspend_dazbox(alice.dazbox.id, actor="test", reason="x")
    told = read_told()
    assert told is not None
    assert told.closed == (alice.dazbox.id,)
    with django_capture_on_commit_callbacks(execute=True):
        lift_suspension(alice.dazbox.id, actor="test", reason="x")
    told = read_told()
    assert told is not None
    assert told.closed == ()


def test_a_box_that_was_signed_out_is_told_for_as_long_as_a_token_lives(
    alice: Box, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        revoke_access(alice.dazbox.id)
    told = read_told()
    assert told is not None
    assert told.token_versions == {alice.dazbox.id: 1}
    Dazbox.objects.filter(id=alice.dazbox.id).update(token_version_since=timezone.now() - dt.timedelta(minutes=21))
    tend_catalogue()
    told = read_told()
    assert told is not None
    assert told.token_versions == {}


def test_a_server_for_everybody_takes_no_own_secret(alice: Box) -> None:
    add_server(ECHO, actor="test")
    with enter_tenant(alice.tenant), pytest.raises(Problem, match="runs it for everybody"):
        set_secret(find_row("echo"), OwnSecret(), policy="shared", actor="alice")


def test_first_tools_become_the_approved_ones_and_no_later_ones_do() -> None:
    add_server(ECHO, actor="test")
    tell(make_gateway("a", make_seen("echo", revision=1, seen_pins={"echo": "ab" * 32})))
    tend_catalogue()
    assert [(pin.tool, pin.approved_by) for pin in find_row("echo").pins.all()] == [("echo", "first use")]
    tell(make_gateway("a", make_seen("echo", revision=2, seen_pins={"echo": "cd" * 32, "more": "ef" * 32})))
    tend_catalogue()
    assert [pin.sha256 for pin in find_row("echo").pins.all()] == ["ab" * 32]


def test_a_gateway_that_has_not_taken_the_newest_revision_approves_nothing() -> None:
    add_server(ECHO, actor="test")
    replace_server(ECHO, actor="test")
    tell(make_gateway("a", make_seen("echo", revision=1)))
    tend_catalogue()
    assert not find_row("echo").pins.exists()


def test_a_server_is_sealed_anew_after_the_key_changed(settings: Any) -> None:
    add_server(ECHO, actor="test")
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "k" * 60, [old]
    tend_catalogue()
    settings.SECRET_KEY_FALLBACKS = []
    publish()
    assert told_names() == ["echo"]


@pytest.mark.parametrize(
    ("server", "pointer"),
    [
        (Server("Bad Name", Stdio("x")), "/name"),
        (Server("a", Stdio(" ")), "/transport/command"),
        (Server("a", Http("http://127.0.0.1/mcp")), "/transport/url"),
        (Server("a", Http("https://169.254.169.254/mcp")), "/transport/url"),
        (Server("a", Http("https://localhost/mcp")), "/transport/url"),
    ],
)
def test_a_server_that_cannot_be_is_refused_with_the_place(server: Server, pointer: str) -> None:
    with pytest.raises(Problem) as refused:
        add_server(server, actor="test")
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


def test_an_address_of_ones_own_is_allowed_by_name() -> None:
    assert (
        add_server(Server("a", Http("http://192.168.1.5:8123/api/mcp", is_trusted=True)), actor="test").kind == "http"
    )
