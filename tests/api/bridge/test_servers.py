"""The catalogue over HTTP: as it should be and as it is, beside each other; secrets never come back."""

from typing import Any

import pytest

from bridge.catalogue.models import McpServer
from bridge.engine.board import name_command_channel
from bridge.engine.server import Http, Server, Stdio
from bridge.manager.catalogue import add_server, approve_tools
from bridge.selectors.catalogue import find_row, read_server
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.db.bridge.gateways import make_gateway, make_seen, tell, write_line
from tests.factories import Box

SERVERS = "/api/v1/mcp/servers"
FAR = "https://mcp.example.com/mcp"
NEW = {
    "name": "files",
    "transport": {"kind": "stdio", "command": "npx", "args": ["-y", "x"], "env": {"KEY": "s3cret"}},
    "pool": {"policy": "several", "size": 2},
    "caching": {"tools": {"read": 5}},
}


def test_a_server_is_added_and_seen_without_its_secrets(api: ApiClient, operator: str) -> None:
    made = api.post(SERVERS, NEW, token=operator)
    assert made.status == 201
    assert made.headers["Location"] == f"{SERVERS}/files"
    assert b"s3cret" not in made.raw
    assert made.json["desired"]["transport"]["env"] == {"KEY": "********"}
    assert (made.json["condition"], made.json["observed"]) == ("unknown", None)
    assert made.json["note"] == "No gateway has reported it in the last ten seconds."
    assert made.json["desired"]["changed_by"] == "operator:1"


def test_what_is_sent_back_hidden_stays_what_it_is(api: ApiClient, operator: str, echo: McpServer) -> None:
    shown = api.get(f"{SERVERS}/echo", token=operator)
    desired = shown.json["desired"]
    body = {key: desired[key] for key in ("transport", "should_run", "pool", "limits", "caching", "access", "pins")}
    body["transport"]["args"] = ["-v"]
    body["transport"]["env"]["NEW"] = "n3w"
    answer = api.put(f"{SERVERS}/echo", body, token=operator, **{"If-Match": shown.headers["ETag"]})
    assert answer.status == 200, answer.json
    expected = Stdio("/usr/bin/echo-server", ("-v",), env={"TOKEN": "s3cret", "NEW": "n3w"})
    assert read_server(find_row("echo")).transport == expected


def test_a_change_over_another_is_refused_and_what_gateways_say_is_no_change(
    api: ApiClient, operator: str, echo: McpServer
) -> None:
    tag = api.get(f"{SERVERS}/echo", token=operator).headers["ETag"]
    tell(make_gateway("a", make_seen("echo")))
    assert api.get(f"{SERVERS}/echo", token=operator).headers["ETag"] == tag
    api.post(f"{SERVERS}/echo/stop", token=operator)
    body = {"transport": {"kind": "stdio", "command": "x"}}
    assert_problem(api.put(f"{SERVERS}/echo", body, token=operator, **{"If-Match": tag}), 412)
    assert_problem(api.call("PUT", f"{SERVERS}/echo", body, token=operator), 428)


def test_desired_and_observed_stand_beside_each_other(api: ApiClient, operator: str, echo: McpServer) -> None:
    tell(make_gateway("a", make_seen("echo", revision=1, last_error="it ended", last_error_at=1.0)))
    api.post(f"{SERVERS}/echo/start", token=operator)
    shown = api.get(f"{SERVERS}/echo", token=operator).json
    assert (shown["desired"]["revision"], shown["observed"]["revision"]) == (2, 1)
    assert (shown["condition"], shown["observed"]["last_error"], shown["note"]) == ("ready", "it ended", None)
    assert shown["observed"]["rss_bytes"] == 50 << 20
    assert [one["gateway"] for one in shown["observed"]["connections"]] == ["a"]


def test_a_tenant_sees_the_servers_open_to_it_and_not_how_they_are_reached(
    api: ApiClient, alice: Box, bob: Box, operator: str, echo: McpServer
) -> None:
    body = {"transport": {"kind": "stdio", "command": "mine"}, "access": {"tenants": [str(alice.dazbox.id)]}}
    add = {"name": "hers"} | body
    assert api.post(SERVERS, add, token=operator).status == 201
    tell(make_gateway("a", make_seen("echo")))
    seen = {box.name: api.get(SERVERS, token=api.token_of(box)).json for box in (alice, bob)}
    assert [item["name"] for item in seen["alice"]["items"]] == ["dazbox", "echo", "hers"]
    assert [item["name"] for item in seen["bob"]["items"]] == ["dazbox", "echo"]
    assert all(item["desired"] is None and item["observed"] is None for item in seen["alice"]["items"])
    for rest in ("", "/capabilities", "/tools", "/secret"):
        assert_problem(api.get(f"{SERVERS}/hers{rest}", token=api.token_of(bob)), 404)
    nothing = api.get(f"{SERVERS}/none", token=api.token_of(bob)).json
    hidden = api.get(f"{SERVERS}/hers", token=api.token_of(bob)).json
    assert nothing | {"instance": ""} == hidden | {"instance": ""}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "Bad Name"}, "/name"),
        ({"transport": {"kind": "stdio", "command": ""}}, "/transport/command"),
        ({"transport": {"kind": "stdio", "command": "x", "env": {"BAD NAME": "1"}}}, "/transport/env/BAD NAME"),
        ({"transport": {"kind": "stdio", "command": "x", "cwd": "here"}}, "/transport/cwd"),
        ({"transport": {"kind": "http", "url": "http://10.0.0.1/mcp"}}, "/transport/url"),
        ({"transport": {"kind": "http", "url": FAR, "headers": {"Host": "x"}}}, "/transport/headers/Host"),
        ({"transport": {"kind": "telnet"}}, "/transport/kind"),
        ({"pool": {"policy": "shared", "size": 3}}, "/pool/size"),
        ({"pool": {"sise": 3}}, "/pool/sise"),
        ({"limits": {"timeout_s": 50, "max_timeout_s": 5}}, "/limits/max_timeout_s"),
        ({"access": {"scopes": {"x": "root"}}}, "/access/scopes"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused_with_the_place(
    api: ApiClient, operator: str, change: Any, pointer: str
) -> None:
    answer = api.post(SERVERS, NEW | change, token=operator)
    assert_refused_at(answer, pointer) if pointer != "/access/scopes" else assert_problem(answer, 400)


def test_only_commands_of_the_operator_s_list_start(api: ApiClient, operator: str, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"mcp_commands": ["npx"]})
    assert api.post(SERVERS, NEW, token=operator).status == 201
    other = NEW | {"name": "sh", "transport": {"kind": "stdio", "command": "/bin/sh"}}
    answer = api.post(SERVERS, other, token=operator)
    assert_refused_at(answer, "/transport/command")
    assert "MCP_COMMANDS" in answer.json["detail"]


def test_a_name_is_taken_once(api: ApiClient, operator: str, echo: McpServer) -> None:
    answer = api.post(SERVERS, NEW | {"name": "echo"}, token=operator)
    assert (answer.status, answer.json["type"].rpartition("/")[2]) == (409, "name-taken")


def test_stop_start_and_delete(api: ApiClient, operator: str, echo: McpServer) -> None:
    assert api.post(f"{SERVERS}/echo/stop", token=operator).json["should_run"] is False
    assert api.post(f"{SERVERS}/echo/start", token=operator).json["should_run"] is True
    assert api.call("DELETE", f"{SERVERS}/echo", token=operator).status == 204
    assert_problem(api.get(f"{SERVERS}/echo", token=operator), 404)


def test_a_restart_is_heard_by_the_gateways(api: ApiClient, operator: str, echo: McpServer, empty_board: Any) -> None:
    with empty_board.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(name_command_channel(empty_board.connection_pool.connection_kwargs))
        listener.get_message(timeout=60)
        assert api.post(f"{SERVERS}/echo/restart", token=operator).status == 200
        message = listener.get_message(timeout=60) or listener.get_message(timeout=60)
    assert message["data"] == b'{"kind":"restart","server":"echo","key":null}'


def test_a_tool_in_quarantine_is_approved_by_its_hash(api: ApiClient, operator: str, echo: McpServer) -> None:
    approve_tools("echo", {"echo": "ab" * 32, "gone": "cd" * 32}, actor="operator:1")
    tell(make_gateway("a", make_seen("echo", seen_pins={"echo": "ef" * 32, "new": "11" * 32})))
    tools = api.get(f"{SERVERS}/echo/tools", token=operator).json["items"]
    states = {tool["name"]: tool["state"] for tool in tools}
    assert states == {"echo": "quarantined", "gone": "not_shown", "new": "quarantined"}
    answer = api.post(f"{SERVERS}/echo/approve", {"pins": {"echo": "ef" * 32}}, token=operator)
    assert answer.json["desired"]["pins"] == {"echo": "ef" * 32, "gone": "cd" * 32}
    tools = api.get(f"{SERVERS}/echo/tools", token=operator).json["items"]
    assert {tool["name"]: tool["state"] for tool in tools}["echo"] == "approved"


def test_a_tenant_is_shown_the_tools_it_may_call(api: ApiClient, alice: Box, echo: McpServer) -> None:
    approve_tools("echo", {"echo": "ab" * 32}, actor="operator:1")
    tell(make_gateway("a", make_seen("echo", seen_pins={"echo": "ab" * 32, "new": "11" * 32})))
    tools = api.get(f"{SERVERS}/echo/tools", token=api.token_of(alice)).json["items"]
    assert [(tool["name"], tool["approved_by"]) for tool in tools] == [("echo", None)]


def test_capabilities_are_those_a_gateway_was_told(api: ApiClient, alice: Box, echo: McpServer) -> None:
    token = api.token_of(alice)
    assert api.get(f"{SERVERS}/echo/capabilities", token=token).json["capabilities"] is None
    tell(make_gateway("a", make_seen("echo")))
    shown = api.get(f"{SERVERS}/echo/capabilities", token=token).json
    assert (shown["capabilities"], shown["eras"]) == ({"tools": {}}, ["2025-11-25"])


def test_the_log_is_read_searched_and_followed(api: ApiClient, operator: str, echo: McpServer) -> None:
    write_line("echo", "started", stream="life")
    write_line("echo", "Trouble ahead")
    page = api.get(f"{SERVERS}/echo/logs", token=operator).json
    assert [line["text"] for line in page["items"]] == ["started", "Trouble ahead"]
    assert len(api.get(f"{SERVERS}/echo/logs?q=trouble&stream=stderr", token=operator).json["items"]) == 1
    write_line("echo", "next")
    followed = api.get(f"{SERVERS}/echo/logs?follow=true&after={page['after']}", token=operator).json
    assert [line["text"] for line in followed["items"]] == ["next"]
    for query in ("stream=x", "after=$", "lines=0", "lines=x"):
        assert_problem(api.get(f"{SERVERS}/echo/logs?{query}", token=operator), 400)


def test_an_http_server_s_secrets_are_hidden_and_kept(api: ApiClient, operator: str) -> None:
    http = Http("https://mcp.example.com/mcp", headers={"X-Key": "s3cret"}, bearer="t0ken")
    add_server(Server("far", http), actor="test")
    shown = api.get(f"{SERVERS}/far", token=operator)
    assert b"s3cret" not in shown.raw
    assert b"t0ken" not in shown.raw
    assert api.put(f"{SERVERS}/far", {"transport": shown.json["desired"]["transport"]}, token=operator).status == 200
    assert read_server(find_row("far")).transport == http


def test_the_built_in_server_is_listed_with_its_tools_and_what_would_change_it_is_refused(
    api: ApiClient, operator: str, alice: Box
) -> None:
    tell(make_gateway("a", make_seen("dazbox", seen_pins={"node_info": "ab" * 32})))
    [shown] = api.get(SERVERS, token=operator).json["items"]
    assert (shown["name"], shown["is_built_in"], shown["condition"]) == ("dazbox", True, "ready")
    assert shown["desired"]["transport"] == {"kind": "builtin", "name": "dazbox"}
    assert shown["desired"]["changed_at"] is None
    [tool] = api.get(f"{SERVERS}/dazbox/tools", token=api.token_of(alice)).json["items"]
    assert (tool["name"], tool["state"], tool["shown_sha256"]) == ("node_info", "approved", "ab" * 32)
    tag = api.get(f"{SERVERS}/dazbox", token=operator).headers["ETag"]
    body = {"transport": {"kind": "builtin"}}
    assert_problem(api.put(f"{SERVERS}/dazbox", body, token=operator, **{"If-Match": tag}), 409)
    assert_problem(api.call("DELETE", f"{SERVERS}/dazbox", token=operator), 409)
    for act, given in (("stop", None), ("start", None), ("approve", {"pins": {"node_info": "ab" * 32}})):
        assert_problem(api.post(f"{SERVERS}/dazbox/{act}", given, token=operator), 409)


def test_a_server_of_the_catalogue_stands_in_the_place_of_the_built_in_one(api: ApiClient, operator: str) -> None:
    own = {"name": "dazbox", "transport": {"kind": "builtin"}, "should_run": False}
    assert api.post(SERVERS, own, token=operator).status == 201
    [shown] = api.get(SERVERS, token=operator).json["items"]
    assert (shown["is_built_in"], shown["should_run"]) == (False, False)
    for wrong in (own | {"name": "mine"}, own | {"transport": {"kind": "stdio", "command": "x"}}):
        assert_refused_at(api.post(SERVERS, wrong, token=operator), "/name")
    assert api.call("DELETE", f"{SERVERS}/dazbox", token=operator).status == 204
    assert api.get(f"{SERVERS}/dazbox", token=operator).json["is_built_in"] is True
