"""The catalogue from a terminal, with a real server behind it."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bridge.catalogue.models import McpServer
from bridge.engine.server import Http, Stdio
from bridge.manager.catalogue import approve_tools
from bridge.selectors.catalogue import find_row, read_server
from tests.db.bridge.gateways import make_gateway, make_seen, tell, write_line

FAST_ECHO = Path(__file__).parents[2] / "bridge" / "children" / "fast_echo.py"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("mcp", *arguments, stdout=out)
    return out.getvalue()


def test_a_server_is_added_checked_stopped_and_removed() -> None:
    run("add", "--env", "A=b", "echo", "--", sys.executable, str(FAST_ECHO))
    assert read_server(find_row("echo")).transport == Stdio(sys.executable, (str(FAST_ECHO),), env={"A": "b"})
    checked = run("check", "echo")
    said = ["echo: fast-echo 1", "Speaks 2026-07-28, the modern era.", "Offers tools (listChanged).", "3 tools"]
    assert [line.strip() for line in checked.splitlines()][:4] == said
    told = json.loads(run("check", "echo", "--json"))
    assert (told["version"], told["server_info"]["name"]) == ("2026-07-28", "fast-echo")
    assert {tool["name"]: tool["is_approved"] for tool in told["tools"]}["echo"]
    assert "should be stopped" in run("stop", "echo")
    assert "should run" in run("start", "echo")
    run("remove", "echo")
    assert not McpServer.objects.exists()


def test_the_list_says_where_nothing_is_known() -> None:
    assert "Nobody has added a server yet" in run("list")
    assert "with API_URL set carry it." in run("list")
    assert "API_URL set carry it." in run("status", "dazbox")
    run("add", "echo", "--", "echo-server")
    assert "no data" in run("list")
    tell(make_gateway("a", make_seen("echo"), make_seen("time")))
    assert "They run without the catalogue: time." in run("list")
    line = next(line for line in run("list").splitlines() if line.startswith("echo"))
    assert line.split() == ["echo", "run", "ready", "1", "50", "MB", "10", "2"]


def test_the_built_in_server_is_listed_and_changed_by_nobody() -> None:
    tell(make_gateway("a", make_seen("dazbox", seen_pins={"node_info": "ab" * 32})))
    line = next(line for line in run("list").splitlines() if line.startswith("dazbox"))
    assert line.split()[:4] == ["dazbox", "built", "in", "ready"]
    assert "dazbox: built in" in run("status", "dazbox")
    for act in ("stop", "start", "remove", "approve"):
        with pytest.raises(CommandError, match="dazbox is the gateways' own"):
            run(act, "dazbox", *(["node_info"] if act == "approve" else []))
    with pytest.raises(CommandError, match="carries this one itself"):
        run("check", "dazbox")


def test_the_status_names_what_is_in_quarantine_and_how_to_approve_it() -> None:
    run("add", "echo", "--", "echo-server")
    assert "No gateway has reported it" in run("status", "echo")
    approve_tools("echo", {"echo": "ab" * 32}, actor="test")
    tell(
        make_gateway(
            "a", make_seen("echo", quarantined=("echo",), seen_pins={"echo": "cd" * 32}, last_error="it ended")
        )
    )
    assert "echo: 1 tool is in quarantine and cannot be called: mcp check echo, then mcp approve." in run("list")
    shown = run("status", "echo")
    assert f"mcp approve echo echo={'cd' * 32}" in shown
    with pytest.raises(CommandError, match="No longer what you have read: echo"):
        run("approve", "echo", f"echo={'ab' * 32}")
    assert "Last error: it ended" in shown
    assert "1 tool was approved" in run("approve", "echo", f"echo={'cd' * 32}")
    assert "In quarantine" not in run("status", "echo")
    assert "in quarantine" not in run("list")


def test_a_check_tells_which_tools_are_not_what_was_approved() -> None:
    run("add", "echo", "--", sys.executable, str(FAST_ECHO))
    assert "not approved" not in run("check", "echo")
    approve_tools("echo", {"echo": "ab" * 32}, actor="test")
    assert run("check", "echo").count("  not approved\n") == 3


def test_the_command_alone_names_what_it_can_do() -> None:
    with pytest.raises(CommandError, match="action"):
        run()


def test_a_file_is_imported_and_tells_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{"mcpServers": {"a": {"command": "x", "env": {"KEY": "${KEY}"}}, "b": {"command": "y"}}}')
    assert "This was a trial: nothing has changed." in run("import", str(file), "--trial")
    assert "a was left out: /mcpServers/a/env/KEY wants KEY" in run("import", str(file))
    assert "Unchanged: b.\nNo server was taken over." in run("import", str(file))
    file.write_text('{"mcpServers": {"a": {"command": "x"}, "b": {"command": "z"}}}')
    assert "Added: a.\nb is there already with other settings (transport)" in run("import", str(file))
    assert "Replaced: b.\nUnchanged: a." in run("import", str(file), "--replace")


def test_options_of_a_new_server_stand_before_its_name_or_behind_it() -> None:
    run("add", "--env", "A=b", "first", "--env", "C=d", "--cwd", "/srv", "--", "prog", "--flag", "x")
    assert read_server(find_row("first")).transport == Stdio(
        "prog", ("--flag", "x"), env={"A": "b", "C": "d"}, cwd="/srv"
    )
    run("add", "far", "--url", "https://mcp.example.com/mcp")
    assert read_server(find_row("far")).transport == Http("https://mcp.example.com/mcp")
    run("add", "docs", "--preset", "filesystem", "--set", "FOLDER=/srv/docs")
    with pytest.raises(CommandError, match="There is a server docs already"):
        run("add", "docs", "--preset", "filesystem", "--set", "FOLDER=/srv/other")


def test_a_preset_needs_its_values_alone() -> None:
    run("add", "--preset", "filesystem", "--set", "FOLDER=/srv/docs", "docs")
    transport = read_server(find_row("docs")).transport
    assert isinstance(transport, Stdio)
    assert transport.args[-1] == "/srv/docs"


def test_what_a_server_says_gives_no_orders_to_a_terminal(empty_board: Any) -> None:
    run("add", "echo", "--", sys.executable, str(FAST_ECHO))
    write_line("echo", "clear \x1b[2J and \x1b]0;evil\x07 and \u202eback")
    shown = run("logs", "echo")
    assert "clear \\x1b[2J and \\x1b]0;evil\\x07 and \\u202eback" in shown
    assert not set("\x1b\x07\u202e") & set(shown)


def test_logs_are_shown(empty_board: Any) -> None:
    run("add", "echo", "--", "echo-server")
    write_line("echo", "hello there")
    write_line("echo", "other")
    shown = run("logs", "echo", "--words", "HELLO")
    assert "4711 stderr   hello there" in shown
    assert "other" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "none"), "no MCP server none"),
        (("logs", "echo", "--lines", "-1"), "whole number from 1 on"),
        (("add", "x"), "Give a program"),
        (("add", "Bad Name", "--", "x"), "give a name like"),
        (("restart", "echo"), "start a gateway"),
        (("add", "x", "--url", "https://a.example/mcp", "--", "y"), "and not both"),
        (("add", "x", "--uri", "https://a.example/mcp"), "unrecognized arguments: --uri"),
        (("import", "/nowhere/mcp.json"), "cannot be read"),
        (("approve", "echo"), "No gateway has reported it"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], words: str) -> None:
    run("add", "echo", "--", "/nowhere/echo-server")
    with pytest.raises(CommandError, match=words):
        run(*arguments)
