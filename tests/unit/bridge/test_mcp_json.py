"""The files in which assistants name their servers are taken as they are."""

from uuid import UUID

import msgspec
import pytest

from bridge.engine.mcp_json import McpJsonError, read_mcp_json
from bridge.engine.server import BuiltIn, ClientCredentials, Http, Server, Stdio

CLAUDE = """{
  "mcpServers": {
    "filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/srv/files"]},
    "brave_search": {"command": "npx", "args": ["-y", "@brave/mcp"], "env": {"BRAVE_API_KEY": "${BRAVE_API_KEY}"}}
  }
}"""
VS_CODE = """{
  // the team's servers
  "inputs": [{"type": "promptString", "id": "perplexity-key", "description": "Perplexity API key", "password": true}],
  "servers": {
    "perplexity": {
      "type": "stdio", "command": "docker", "args": ["run", "-i", "--rm", "mcp/perplexity"],
      "env": {"PERPLEXITY_API_KEY": "${input:perplexity-key}"},
    },
    "github": {"type": "http", "url": "https://api.githubcopilot.com/mcp/", /* signs in by itself */},
  },
}"""
CURSOR = """{"mcpServers": {"api": {"url": "https://api.example.com/mcp",
  "headers": {"Authorization": "Bearer ${env:API_TOKEN}", "X-Team": "7"}}}}"""
WINDSURF = """{"mcpServers": {"remote": {"serverUrl": "https://example.com/sse", "disabled": true,
  "disabledTools": ["drop"]}}}"""
LM_STUDIO = '{"mcpServers": {"hf": {"url": "https://huggingface.co/mcp", "timeout": 60000}}}'
ZED = """{"theme": "One Dark", "context_servers": {
  "local": {"source": "custom", "enabled": true, "command": "uvx", "args": ["mcp-server-time"], "env": {}},
  "older": {"command": {"path": "node", "args": ["s.js"], "env": {"A": "b"}}},
  "postgres": {"source": "extension", "settings": {"url": "postgres://"}}}}"""
CONTINUE = """{"mcpServers": [{"name": "SQLite", "type": "stdio", "command": "uvx", "args": ["mcp-server-sqlite"],
  "env": {"KEY": "${{ secrets.SQLITE_KEY }}"}}]}"""
GEMINI = """{"mcp": {"allowed": ["py"]}, "mcpServers": {"py": {"command": "python", "args": ["s.py"],
  "env": {"KEY": "$MY_TOKEN"}, "timeout": 15000, "trust": false, "includeTools": ["read"]}}}"""
OPENCODE = '{"mcp": {"here": {"type": "local", "command": ["bun", "x", "s"], "environment": {"A": "{env:A_KEY}"}}}}'
HOME_ASSISTANT = """{"mcpServers": {"Home Assistant": {"command": "mcp-proxy", "args": [],
  "env": {"SSE_URL": "http://ha.local:8123/mcp_server/sse", "API_ACCESS_TOKEN": "abc"}}}}"""


def only(text: str, **env: str) -> Server:
    (server,) = read_mcp_json(text, env).servers
    return server


def test_claude_s_file_is_taken_with_its_environment() -> None:
    found = read_mcp_json(CLAUDE, {"BRAVE_API_KEY": "s3cret"})
    assert [server.name for server in found.servers] == ["filesystem", "brave-search"]
    child = Stdio("npx", ("-y", "@brave/mcp"), env={"BRAVE_API_KEY": "s3cret"})
    assert found.servers[1].transport == child
    assert found.lacks == ()
    assert [(note.pointer, note.detail) for note in found.notes] == [
        ("/mcpServers/brave_search", "named brave-search here")
    ]


def test_a_variable_nobody_gave_is_told_and_its_server_does_not_run() -> None:
    found = read_mcp_json(CLAUDE, {})
    (lack,) = found.lacks
    assert (lack.server, lack.pointer, lack.variable, lack.kind) == (
        "brave-search", "/mcpServers/brave_search/env/BRAVE_API_KEY", "BRAVE_API_KEY", "environment",
    )  # fmt: skip
    assert [server.should_run for server in found.servers] == [True, False]
    assert found.servers[1].transport == Stdio("npx", ("-y", "@brave/mcp"), env={"BRAVE_API_KEY": "${BRAVE_API_KEY}"})


def test_vs_code_s_file_is_taken_with_comments_trailing_commas_and_inputs() -> None:
    found = read_mcp_json(VS_CODE, {"PERPLEXITY_KEY": "pk"})
    first, second = (server.transport for server in found.servers)
    assert isinstance(first, Stdio)
    assert first.env == {"PERPLEXITY_API_KEY": "pk"}
    assert second == Http("https://api.githubcopilot.com/mcp/")
    assert (found.lacks, found.notes) == ((), ())
    (lack,) = read_mcp_json(VS_CODE, {}).lacks
    assert lack.detail == "give PERPLEXITY_KEY: Perplexity API key"
    assert read_mcp_json(VS_CODE, {"perplexity-key": "by its own name"}).lacks == ()


def test_a_bearer_token_in_a_header_becomes_the_server_s_bearer() -> None:
    assert only(CURSOR, API_TOKEN="t").transport == Http(
        "https://api.example.com/mcp", headers={"X-Team": "7"}, bearer="t"
    )


def test_another_scheme_of_authorization_stays_a_header() -> None:
    text = '{"mcpServers": {"a": {"url": "https://h/mcp", "headers": {"Authorization": "Basic eA=="}}}}'
    assert only(text).transport == Http("https://h/mcp", headers={"Authorization": "Basic eA=="})


def test_what_cannot_be_taken_over_is_told_with_its_place() -> None:
    found = read_mcp_json(WINDSURF, {})
    assert found.servers[0].transport == Http("https://example.com/sse")
    assert not found.servers[0].should_run
    (note,) = found.notes
    assert note.pointer == "/mcpServers/remote/disabledTools"
    assert "access.tools" in note.detail


def test_milliseconds_are_told_from_seconds() -> None:
    assert only(LM_STUDIO).limits.timeout_s == 60
    assert only(LM_STUDIO.replace("60000", "120")).limits.timeout_s == 120


def test_zed_s_settings_are_taken_in_both_their_forms() -> None:
    found = read_mcp_json(ZED, {})
    assert {server.name: server.transport for server in found.servers} == {
        "local": Stdio("uvx", ("mcp-server-time",)),
        "older": Stdio("node", ("s.js",), env={"A": "b"}),
    }
    assert [note.pointer for note in found.notes] == ["", "/context_servers/postgres"]
    assert "theme" in found.notes[0].detail


def test_continue_s_list_is_taken() -> None:
    server = only(CONTINUE, SQLITE_KEY="k")
    assert (server.name, server.transport) == ("sqlite", Stdio("uvx", ("mcp-server-sqlite",), env={"KEY": "k"}))


def test_gemini_s_file_is_taken() -> None:
    server = only(GEMINI, MY_TOKEN="t")
    assert server.transport == Stdio("python", ("s.py",), env={"KEY": "t"})
    assert (server.limits.timeout_s, server.access.tools) == (15, ("read",))


def test_opencode_s_file_is_taken() -> None:
    assert only(OPENCODE, A_KEY="k").transport == Stdio("bun", ("x", "s"), env={"A": "k"})


def test_a_program_that_only_carries_a_remote_server_is_named() -> None:
    found = read_mcp_json(HOME_ASSISTANT, {})
    assert found.servers[0].name == "home-assistant"
    assert any("reached directly" in note.detail for note in found.notes)


@pytest.mark.parametrize(
    "text",
    ['{"command": "uvx", "args": ["mcp-server-time"]}', '{"server": {"command": "uvx", "args": ["mcp-server-time"]}}'],
)
def test_a_server_without_a_room_around_it_is_taken(text: str) -> None:
    assert only(text) == Server("server", Stdio("uvx", ("mcp-server-time",)))


def test_windows_shell_before_a_command_is_left_out_and_noted() -> None:
    text = '{"mcpServers": {"a": {"command": "cmd", "args": ["/c", "npx", "-y", "x"]}}}'
    found = read_mcp_json(text, {})
    assert found.servers[0].transport == Stdio("npx", ("-y", "x"))
    assert "cmd /c" in found.notes[0].detail


def test_two_names_that_become_one_are_kept_apart() -> None:
    found = read_mcp_json('{"mcpServers": {"My Server": {"command": "a"}, "my_server": {"command": "b"}}}', {})
    assert [server.name for server in found.servers] == ["my-server", "my-server-2"]


@pytest.mark.parametrize(
    ("written", "value"),
    [("${A:-x}", "x"), ("${env:A:-x}", "x"), ("${pathSeparator}", "/"), ("a$B", "a$B"), ("${userHome}/s", "/home/o/s")],
)
def test_placeholders_of_all_kinds_are_filled(written: str, value: str) -> None:
    found = read_mcp_json(f'{{"mcpServers": {{"a": {{"command": "c", "args": ["{written}"]}}}}}}', {"HOME": "/home/o"})
    assert found.servers[0].transport == Stdio("c", (value,))
    assert found.lacks == ()


def test_an_editor_s_folder_must_be_given() -> None:
    text = '{"servers": {"a": {"command": "c", "cwd": "${workspaceFolder}/x"}}}'
    (lack,) = read_mcp_json(text, {}).lacks
    assert (lack.kind, lack.variable) == ("folder", "workspaceFolder")
    assert only(text, workspaceFolder="/srv").transport == Stdio("c", cwd="/srv/x")


def test_what_their_files_have_no_words_for_stands_below_dazbox() -> None:
    tenant = "11111111-1111-4111-8111-111111111111"
    own = {
        "process": {"memory_mb": None, "open_files": 64},
        "pool": {"policy": "several", "size": 2},
        "caching": {"tools": {"read": 5}},
        "access": {"tenants": [tenant]},
    }
    text = msgspec.json.encode({
        "mcpServers": {"a": {"command": "c", "dazbox": own}, "dazbox": {"type": "builtin"}}
    }).decode()
    first, second = read_mcp_json(text, {}).servers
    assert first.transport == Stdio("c", memory_mb=None, open_files=64)
    assert (first.pool.size, first.caching.tools, first.access.tenants) == (2, {"read": 5}, (UUID(tenant),))
    assert second.transport == BuiltIn()


def test_client_credentials_are_taken_and_a_sign_in_by_people_is_noted() -> None:
    oauth = '{"token_url": "https://i/token", "client_id": "me", "client_secret": "${S}", "scopes": ["a", "b"]}'
    text = '{"mcpServers": {"a": {"url": "https://h/mcp", "oauth": %s}}}'
    assert only(text % oauth, S="x").transport == Http(
        "https://h/mcp", oauth=ClientCredentials("https://i/token", "me", "x", "a b")
    )
    (note,) = read_mcp_json(text % '{"clientId": "me", "callbackPort": 8080}', {}).notes
    assert "nobody signs in" in note.detail


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ('{"mcpServers": {"a": {"command": 5}}}', "/mcpServers/a/command", "a text is wanted"),
        ("", "", "line 1, column 1"),
        ('{"mcpServers": {"a": {"command": "x"}', "", "line 1, column 38"),
        ('{"a": 1}', "", "no servers are named"),
        ('{"mcpServers": []}', None, ""),
        ('{"mcpServers": "x"}', "/mcpServers", "in an object"),
        ('{"mcpServers": {"a": 1}}', "/mcpServers/a", "an object"),
        ('{"mcpServers": {"a": {}}}', "/mcpServers/a", "give command"),
        ('{"mcpServers": {"a/b": {"command": "x", "args": "y"}}}', "/mcpServers/a~1b/args", "a list"),
        ('{"mcpServers": {"a": {"command": "x", "args": [{}]}}}', "/mcpServers/a/args/0", "a text"),
        ('{"mcpServers": {"a": {"command": "x", "env": []}}}', "/mcpServers/a/env", "an object of texts"),
        ('{"mcpServers": {"a": {"type": "ws", "url": "ws://h"}}}', "/mcpServers/a/type", "no WebSocket"),
        ('{"mcpServers": {"a": {"type": "http"}}}', "/mcpServers/a", "give url"),
        ('{"mcpServers": {"a": {"url": "ftp://h"}}}', "/mcpServers/a", "https://host/path"),
        ('{"mcpServers": {"a": {"command": "x", "disabled": "no"}}}', "/mcpServers/a/disabled", "true or false"),
        ('{"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}}', "", "stands twice"),
        (
            '{"mcpServers": {"a": {"command": "x", "dazbox": {"pool": {"sise": 2}}}}}',
            "/mcpServers/a/dazbox/pool/sise",
            "no such field",
        ),
        ("[" * 100_000, "", "nested too deeply"),
        ("/*" * 100_000, "", "it is no JSON"),
        ('"' + "x" * (1 << 20), "", "longer than"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_place(text: str, pointer: str | None, words: str) -> None:
    if pointer is None:
        assert read_mcp_json(text, {}).servers == ()
        return
    with pytest.raises(McpJsonError) as refused:
        read_mcp_json(text, {})
    assert refused.value.faults[0].pointer == pointer
    assert words in refused.value.faults[0].detail


def test_all_faults_of_a_file_are_told_at_once() -> None:
    with pytest.raises(McpJsonError) as refused:
        read_mcp_json('{"mcpServers": {"a": {}, "b": {"url": "x"}, "c": 1}}', {})
    assert [fault.pointer for fault in refused.value.faults] == ["/mcpServers/a", "/mcpServers/b", "/mcpServers/c"]


def test_what_looks_like_a_comment_within_a_text_stays() -> None:
    assert only('{"command": "c", "args": ["https://h//x /* y */", ",]"]}').transport == Stdio(
        "c", ("https://h//x /* y */", ",]")
    )
