"""How a connection to a child begins: what it turns out to speak."""

import pytest

from bridge.engine.server import Server, Stdio
from bridge.sources.connection import ConnectionLost, Line
from bridge.sources.handshake import Face, Patience
from bridge.sources.stdio.again import Retold
from tests.bridge.sources.stage import Log, call_text, make_server, opened, run


@pytest.mark.parametrize(
    ("offered", "era", "version"),
    [("both", "modern", "2026-07-28"), ("modern", "modern", "2026-07-28"), ("legacy", "legacy", "2025-11-25")],
)
def test_a_server_is_spoken_to_in_its_newest_era(offered: str, era: str, version: str) -> None:
    async def scenario() -> None:
        async with opened(make_server("fast_echo.py", "--era", offered)) as connection:
            assert (connection.era, connection.version) == (era, version)
            assert connection.server_info == b'{"name":"fast-echo","version":"1"}'
            assert connection.capabilities == b'{"tools":{"listChanged":true}}'
            assert await call_text(connection, "echo", {"text": "é\n"}) == "é\n"

    run(scenario)


def test_a_server_known_to_be_older_is_not_probed() -> None:
    async def scenario() -> None:
        async with opened(make_server("fast_echo.py"), face=Face(known="legacy")) as connection:
            assert connection.era == "legacy"

    run(scenario)


def test_what_a_server_says_before_it_ends_is_told_once_though_it_is_started_twice() -> None:
    async def scenario() -> None:
        log = Log()
        with pytest.raises(ConnectionLost, match="it ended with status 3"):
            async with opened(Server("ending", Stdio("sh", ("-c", "echo why >&2; exit 3"))), log=log):
                pass
        assert log.of("stderr") == ["why"]
        assert [text for text in log.of("life") if "status 3" in text] == ["it ended with status 3"]

    run(scenario)


def test_what_the_second_child_says_otherwise_is_told() -> None:
    lines: list[Line] = []
    log = Retold(lines.append)
    for text in ("a", "b"):
        log.take(Line("stderr", text))
    log.start_again()
    for text in ("a", "c", "b"):
        log.take(Line("stderr", text))
    log.settle()
    log.take(Line("stderr", "a"))
    assert [line.text for line in lines] == ["a", "b", "c", "b", "a"]


def test_a_command_that_does_not_exist_is_told_once() -> None:
    async def scenario() -> None:
        log = Log()
        with pytest.raises(ConnectionLost, match="cannot be run"):
            async with opened(Server("absent", Stdio("no-such-command")), log=log):
                pass
        assert len(log.of("stderr")) == 1

    run(scenario)


def test_a_server_that_fails_to_start_is_told() -> None:
    async def scenario() -> None:
        log = Log()
        server = make_server("absent.py")
        with pytest.raises(ConnectionLost, match="it ended with status 2"):
            async with opened(server, log=log, patience=Patience(silence_s=60)):
                pass
        assert any("No such file" in line for line in log.of("stderr"))

    run(scenario)


@pytest.mark.parametrize(
    ("offered", "probe", "era"),
    [
        ("legacy", "die", "legacy"),  # it is started once more, and not probed again
        ("legacy", "silent", "legacy"),
        ("modern", "slow", "modern"),  # it answers the probe when initialize is on its way
    ],
)
def test_a_probe_may_be_met_in_any_way(offered: str, probe: str, era: str) -> None:
    async def scenario() -> None:
        server = make_server("faulty.py", "--era", offered, "--probe", probe)
        async with opened(server, patience=Patience(silence_s=0.1)) as connection:
            assert connection.era == era
            assert await call_text(connection, "echo", {"text": "a"}) == "a"

    run(scenario)


def test_a_server_that_never_answers_is_given_up() -> None:
    async def scenario() -> None:
        server = make_server("faulty.py", "--era", "modern", "--probe", "silent")
        with pytest.raises(ConnectionLost, match=r"refused the handshake|not ready within"):
            async with opened(server, patience=Patience(start_s=0.3, silence_s=0.1)):
                pass

    run(scenario)
