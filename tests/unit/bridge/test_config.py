"""What the gateway's environment may say; what is wrong stops the start with a hint."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from bridge.gateway.config import Config, ConfigError, read_config

ROOT = Path(__file__).parents[3]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
GOOD = {"REDIS_URL": "redis://127.0.0.1/0", "MCP_STATE_KEY": KEY, "JWKS_URL": "http://127.0.0.1/jwks.json"}


def test_what_is_not_set_has_its_default() -> None:
    assert read_config(GOOD) == Config(
        redis_url="redis://127.0.0.1/0", state_key=bytes(range(32)), jwks_url="http://127.0.0.1/jwks.json"
    )
    empty = dict.fromkeys(("MCP_PORT", "MCP_HOST", "MCP_ALLOWED_HOSTS", "MCP_RATE_SCALE", "METRICS_TOKEN"), "")
    assert read_config(GOOD | empty) == read_config(GOOD)


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.touch()
    config = read_config({
        "MCP_HOST": "::1", "MCP_PORT": "9000", "MCP_SOCKET_FD": "5", "MCP_SERVERS_FILE": str(file),
        "MCP_ANONYMOUS": "00000000-0000-0000-0000-000000000001", "MCP_RATE_SCALE": "2.5", "METRICS_TOKEN": "t",
        "MCP_ALLOWED_HOSTS": "mcp.example.com, localhost:8001", "MCP_ALLOWED_ORIGINS": "https://app.example.com,*",
    })  # fmt: skip
    assert (config.host, config.port, config.socket_fd, config.servers_file) == ("::1", 9000, 5, file)
    assert (config.anonymous, config.rate_scale, config.metrics_token) == (UUID(int=1), 2.5, "t")
    assert config.allowed_hosts == ("mcp.example.com", "localhost:8001")
    assert config.allowed_origins == ("https://app.example.com", "*")


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("MCP_PORT", "0", "a number from 1 to 65535"),
        ("MCP_PORT", "http", "a number from 1 to 65535"),
        ("MCP_PORT", "65536", "a number from 1 to 65535"),
        ("MCP_SOCKET_FD", "-1", "the number of an open, listening socket"),
        ("REDIS_URL", "127.0.0.1:6379", "redis://"),
        ("JWKS_URL", "jwks.json", "http:// or https://"),
        ("API_URL", "ftp://example.com", "http:// or https://"),
        ("MCP_STATE_KEY", "AAEC", "32 bytes in base64 are needed; these are 3"),
        ("MCP_STATE_KEY", "no base64!", "this is no base64"),
        ("MCP_SERVERS_FILE", "/nowhere/mcp.json", "there is no file /nowhere/mcp.json"),
        ("MCP_ANONYMOUS", "everybody", "the id of a tenant"),
        ("MCP_RATE_SCALE", "0", "a factor above 0"),
        ("MCP_RATE_SCALE", "-1", "a factor above 0"),
        ("MCP_RATE_SCALE", "nan", "a factor above 0"),
        ("MCP_RATE_SCALE", "much", "a factor above 0"),
        ("MCP_ALLOWED_HOSTS", "https://mcp.example.com", "no name of a host"),
        ("MCP_ALLOWED_ORIGINS", "app.example.com", "no origin: as in https://app.example.com"),
        ("MCP_ALLOWED_ORIGINS", "https://app.example.com/path", "no origin"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_of_its_setting(name: str, value: str, hint: str) -> None:
    with pytest.raises(ConfigError) as told:
        read_config(GOOD | {name: value})
    assert str(told.value).startswith(f"{name}: ")
    assert hint in str(told.value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"JWKS_URL": ""}, "JWKS_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"MCP_STATE_KEY": ""}, "MCP_STATE_KEY"),
        ({"MCP_HOST": "0.0.0.0"}, "MCP_ALLOWED_HOSTS"),  # noqa: S104 - it is refused
        ({"MCP_HOST": "10.0.0.1", "MCP_ANONYMOUS": str(UUID(int=1)), "MCP_ALLOWED_HOSTS": "x"}, "MCP_ANONYMOUS"),
    ],
)
def test_settings_that_do_not_go_together_are_told(changes: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} "):
        read_config(GOOD | changes)


def start(**environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bridge.gateway"]
    path = os.environ["PATH"]  # noqa: TID251 - a process of its own has an environment of its own
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": path, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_start_that_cannot_be_is_one_line_that_says_why(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{"mcpServers": {"one": {}}}', encoding="utf-8")
    own = {"MCP_SERVERS_FILE": str(file), "MCP_ANONYMOUS": str(UUID(int=1))}
    assert_told(start(), "JWKS_URL is needed")
    assert_told(start(**own), "give command (a program on this machine) or url")
    file.write_text('{"mcpServers": {}}', encoding="utf-8")
    assert_told(start(**own, MCP_SOCKET_FD="77"), "MCP_SOCKET_FD: 77 is no open socket")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_told(start(**own, MCP_PORT=str(port)), f"it cannot listen at 127.0.0.1:{port}: Address already in use")


def assert_told(done: "subprocess.CompletedProcess[str]", words: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
