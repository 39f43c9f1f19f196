"""What is a box's own: its secrets for servers, and the calls made in its name."""

import datetime as dt
import uuid

from django.utils import timezone

from bridge.engine.server import Pool, Server, Stdio
from bridge.manager.catalogue import add_server
from bridge.models.call import CallDetail, McpCall
from bridge.models.secret import McpSecret
from tenants.context import enter_tenant
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key

SECRET = "/api/v1/mcp/servers/mail/secret"
MAIL = Server("mail", Stdio("mail-server"), pool=Pool("per_credential", own_env=("MAIL_PASSWORD",)))


def make_call(box: Box, minute: int, **said: str) -> None:
    detail = CallDetail(
        subject="api-key:1", tool=said.pop("tool", "send"), arguments_sha256="ab" * 32, request_id="r", instance="a"
    )
    at = timezone.now() - dt.timedelta(minutes=minute)
    usual = {"server": "mail", "outcome": "ok"} | said
    with enter_tenant(box.tenant):
        McpCall(id=uuid.uuid4(), at=at, duration_ms=2.0, detail=detail, **usual).save()


def test_the_owner_sets_reads_and_deletes_what_only_their_server_gets(api: ApiClient, alice: Box, bob: Box) -> None:
    add_server(MAIL, actor="test")
    key = make_api_key(alice, scopes=("read", "act"))
    assert api.get(SECRET, token=key).json["set_at"] is None
    done = api.put(SECRET, {"env": {"MAIL_PASSWORD": "s3cret"}, "bearer": "t"}, token=key)
    assert done.status == 200
    assert (done.json["variables"], done.json["has_bearer"]) == (["MAIL_PASSWORD"], True)
    assert b"s3cret" not in api.get(SECRET, token=key).raw
    assert api.get(SECRET, token=make_api_key(bob)).json["set_at"] is None
    assert api.put(SECRET, {}, token=key).json["variables"] == []
    assert api.call("DELETE", SECRET, token=key).status == 204
    with enter_tenant(alice.tenant):
        assert not McpSecret.objects.exists()


def test_a_box_s_own_token_and_a_wrong_name_write_nothing(api: ApiClient, alice: Box) -> None:
    add_server(MAIL, actor="test")
    assert_problem(api.put(SECRET, {}, token=api.token_of(alice)), 403)
    key = make_api_key(alice, scopes=("read", "act"))
    assert_refused_at(api.put(SECRET, {"env": {"BAD NAME": "x"}}, token=key), "/env/BAD NAME")


def test_an_owner_sets_the_variables_the_operator_leaves_to_tenants_and_no_other(api: ApiClient, alice: Box) -> None:
    """NODE_OPTIONS, LD_PRELOAD and many more run what they say, as the gateway's user."""
    add_server(MAIL, actor="test")
    key = make_api_key(alice, scopes=("read", "act"))
    given = {"MAIL_PASSWORD": "x", "NODE_OPTIONS": "x"}
    assert_refused_at(api.put(SECRET, {"env": given}, token=key), "/env/NODE_OPTIONS")
    with enter_tenant(alice.tenant):
        assert not McpSecret.objects.exists()


def test_calls_are_listed_newest_first_and_page_by_page(api: ApiClient, alice: Box, bob: Box) -> None:
    for minute in range(5):
        make_call(alice, minute, tool=f"tool-{minute}")
    make_call(bob, 0, tool="bobs")
    path, token = alice.path("mcp-calls"), api.token_of(alice)
    first = api.get(f"{path}?limit=3", token=token).json
    rest = api.get(f"{path}?cursor={first['next_cursor']}", token=token).json
    assert [call["tool"] for call in first["items"] + rest["items"]] == [f"tool-{minute}" for minute in range(5)]
    assert (rest["next_cursor"], rest["kept_days"]) == (None, 90)


def test_calls_are_found_by_server_and_outcome(api: ApiClient, alice: Box) -> None:
    make_call(alice, 1, outcome="refused:forbidden")
    make_call(alice, 2, server="other")
    path, token = alice.path("mcp-calls"), api.token_of(alice)
    assert [call["outcome"] for call in api.get(f"{path}?outcome=refused", token=token).json["items"]] == [
        "refused:forbidden"
    ]
    assert [call["server"] for call in api.get(f"{path}?server=other", token=token).json["items"]] == ["other"]
    assert_problem(api.get(f"{path}?outcome=x", token=token), 400)
