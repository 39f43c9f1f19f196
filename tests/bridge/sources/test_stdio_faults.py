"""A child that does wrong harms the call it concerns, within its time, and nobody else's."""

import asyncio
import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from bridge.engine.server import Limits
from bridge.sources.connection import (
    Answer,
    AnswerTooLarge,
    Connection,
    ConnectionLost,
    Notice,
    RequestTimeout,
    UpstreamError,
)
from tests.bridge.sources.stage import Caller, Log, call, call_text, make_server, opened, run, until

pytestmark = pytest.mark.fault
ERAS = pytest.mark.parametrize("era", ["modern", "legacy"])


async def hang(connection: Connection) -> asyncio.Task[object]:
    """A call that has reached the child and is not answered."""
    before = connection.in_flight
    task: asyncio.Task[object] = asyncio.ensure_future(call(connection, "hang"))
    await until(lambda: connection.in_flight == before + 1)
    await call_text(connection, "echo", {"text": "it was read"})
    return task


@ERAS
def test_a_crash_fails_what_was_under_way_and_says_how_it_ended(era: str) -> None:
    async def scenario() -> None:
        log = Log()
        async with opened(make_server("faulty.py", "--era", era), log=log) as connection:
            other = await hang(connection)
            with pytest.raises(ConnectionLost, match="it ended with status 3"):
                await call(connection, "crash")
            with pytest.raises(ConnectionLost):
                await other
            assert not connection.is_open
            assert await connection.ended == "the server is gone: it ended with status 3"
            with pytest.raises(ConnectionLost):
                await call(connection, "echo", {"text": "too late"})
        assert log.of("life") == ["it ended with status 3"]

    run(scenario)


def test_a_kill_while_idle_is_noticed_without_a_call() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py")) as connection:
            assert connection.pid is not None
            os.kill(connection.pid, signal.SIGKILL)
            assert await connection.ended == "the server is gone: it was ended by SIGKILL"

    run(scenario)


def test_a_child_that_closes_its_output_is_ended() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--stubborn")) as connection:
            with pytest.raises(ConnectionLost):
                await call(connection, "mute")
            await until(lambda: not psutil.pid_exists(connection.pid or 0))
            assert not connection.is_open

    run(scenario)


def test_a_hung_call_ends_in_its_time_and_others_in_theirs() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with opened(make_server("faulty.py")) as connection:
            long = await hang(connection)
            began = loop.time()
            with pytest.raises(RequestTimeout, match=r"within 0\.2 s"):
                await call(connection, "hang", timeout_s=0.2)
            assert loop.time() - began >= 0.2
            assert not long.done()
            cancelled, held = json.loads(await call_text(connection, "cancelled"))
            assert len(held) == 2
            assert cancelled == held[1:], "the child was told which"
            assert await call_text(connection, "release") == "2"
            assert (await long) is not None

    run(scenario)


def test_a_late_answer_is_dropped_without_a_word() -> None:
    async def scenario() -> None:
        log = Log()
        async with opened(make_server("faulty.py"), log=log) as connection:
            with pytest.raises(RequestTimeout):
                await call(connection, "hang", timeout_s=0.05)
            assert await call_text(connection, "release") == "1"
            assert connection.in_flight == 0
        assert log.of("protocol") == [], "it was to be expected"

    run(scenario)


@ERAS
def test_a_caller_that_goes_away_is_told_to_the_child(era: str) -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", era)) as connection:
            task = await hang(connection)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancelled, held = json.loads(await call_text(connection, "cancelled"))
            assert cancelled == held
            assert connection.in_flight == 0

    run(scenario)


def test_junk_between_messages_goes_to_the_log() -> None:
    async def scenario() -> None:
        log = Log()
        async with opened(make_server("faulty.py", "--banner"), log=log) as connection:
            assert await call_text(connection, "junk") == "said"
            assert await call_text(connection, "echo", {"text": "and on"}) == "and on"
        assert log.of("stdout")[:3] == ["Faulty 1.0", "{not json", "Loading ..."]
        assert '"a string"' in log.of("stdout")
        assert log.of("stderr") == ["ready"]

    run(scenario)


def test_an_answer_that_is_no_json_fails_its_call_at_once() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py")) as connection:
            with pytest.raises(UpstreamError, match="no JSON"):
                await call(connection, "spoilt")
            assert await call_text(connection, "echo", {"text": "and on"}) == "and on"

    run(scenario)


def test_second_and_foreign_answers_reach_nobody() -> None:
    async def scenario() -> None:
        log = Log()
        async with opened(make_server("faulty.py"), log=log) as connection:
            other = await hang(connection)
            assert await call_text(connection, "twice") == "first"
            assert await call_text(connection, "foreign") == "yours"
            assert not other.done()
            assert await call_text(connection, "release") == "1"
            await other
        assert any("a second time" in line for line in log.of("protocol"))
        assert any("for a call that was never made: id 1000000000" in line for line in log.of("protocol"))

    run(scenario)


def test_answers_in_an_array_are_taken_one_by_one() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            other = await hang(connection)
            assert await call_text(connection, "array") == "in an array"
            assert await other is not None

    run(scenario)


@pytest.mark.parametrize("fd", [1, 2])
def test_a_flood_leaves_memory_as_it_was_and_others_their_answers(fd: int) -> None:
    """100 MB of junk, while another child answers."""

    async def scenario() -> None:
        log = Log()
        async with opened(make_server("faulty.py"), log=log) as flooding, opened(make_server("fast_echo.py")) as other:
            before = psutil.Process().memory_info().rss
            flood = asyncio.ensure_future(call_text(flooding, "flood", {"fd": fd, "mb": 100}, timeout_s=100))
            served = 0
            while not flood.done():
                assert await call_text(other, "echo", {"text": "here"}, timeout_s=10) == "here"
                served += 1
            assert await flood == "flooded"
            assert served > 10
            assert psutil.Process().memory_info().rss - before < 30 << 20
        assert 0 < len(log) < 20_000
        assert any("lines were not kept" in line for line in log.of("life"))

    run(scenario)


@pytest.mark.parametrize("id_last", [False, True])
def test_an_answer_beyond_the_limit_fails_its_call_alone(id_last: bool) -> None:
    async def scenario() -> None:
        server = make_server("faulty.py", limits=Limits(max_answer_bytes=1 << 20))
        async with opened(server) as connection:
            other = await hang(connection)
            with pytest.raises(AnswerTooLarge, match="at most 1048576"):
                await call(connection, "big", {"bytes": 5 << 20, "id_last": id_last})
            assert len(await call_text(connection, "big", {"bytes": 1_000_000})) == 1_000_000
            assert await call_text(connection, "release") == "1"
            await other

    run(scenario)


@ERAS
def test_megabytes_pass_both_ways(era: str) -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", era)) as connection:
            assert len(await call_text(connection, "big", {"bytes": 5 << 20})) == 5 << 20
            assert await call_text(connection, "length", {"text": "x" * (3 << 20)}) == str(3 << 20)

    run(scenario)


def test_a_child_that_does_not_read_holds_up_its_own_callers_alone(tmp_path: Path) -> None:
    """What nobody waits for any more is never sent."""

    async def scenario() -> None:
        awake = tmp_path / "awake"
        async with opened(make_server("faulty.py")) as dozing, opened(make_server("fast_echo.py")) as other:
            assert await call_text(dozing, "doze", {"until": str(awake)}) == "good night"
            large = {"text": "x" * (1 << 20)}
            waiting = [asyncio.ensure_future(call_text(dozing, "length", large)) for _ in range(3)]
            await until(lambda: dozing.in_flight == 3)
            with pytest.raises(RequestTimeout):
                await call(dozing, "hang", timeout_s=0.1)
            assert await call_text(other, "echo", {"text": "here"}) == "here"
            assert not any(task.done() for task in waiting)
            awake.touch()
            assert await asyncio.gather(*waiting) == [str(1 << 20)] * 3
            assert json.loads(await call_text(dozing, "cancelled")) == [[], []]

    run(scenario)


def test_a_thousand_calls_at_once_each_get_their_own_answer() -> None:
    async def scenario() -> None:
        async with opened(make_server("fast_echo.py")) as connection:
            texts = [f"text {number}" for number in range(1_000)]
            answers = await asyncio.gather(*(call_text(connection, "echo", {"text": text}) for text in texts))
            assert answers == texts

    run(scenario)


def test_an_answer_that_is_nested_too_deep_fails_its_call_and_the_others_go_on() -> None:
    async def scenario() -> None:
        log, caller, heard = Log(), Caller(Answer(b"{}")), list[Notice]()
        async with opened(make_server("faulty.py", "--era", "legacy"), log=log) as connection:
            connection.listen(heard.append)
            other = await hang(connection)
            with pytest.raises(AnswerTooLarge, match="deeper than 64"):
                await call(connection, "deep", {"levels": 63}, inbox=caller)
            assert await call_text(connection, "release") == "1"
            await other
            assert caller.asks == []
            assert heard == []
            answer = await call(connection, "deep", {"levels": 62}, inbox=caller)
            assert (answer.is_error, len(heard), len(caller.asks)) == (False, 1, 1)
        assert len(log.of("protocol")) == 3

    run(scenario)
