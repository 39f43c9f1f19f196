"""What a child says beside the protocol, as it gets to the log."""

from bridge.sources.connection import Line
from bridge.sources.stdio.tap import BURST, FLOOD_COST, FLOOD_S, LINES_PER_S, Tap
from tests.clock import Clock


def test_lines_beyond_the_rate_are_counted_and_told_now_and_then() -> None:
    clock, log = Clock(), list[Line]()
    tap = Tap(log.append, clock)
    for _ in range(int(BURST) + 100):
        tap.take("stderr", b"line")
    assert len(log) == BURST
    clock.now_s += 1
    for _ in range(int(LINES_PER_S) + 50):
        tap.take("stderr", b"line")
    told = [line.text for line in log if line.stream == "life"]
    assert told == ["it wrote too much: 100 lines were not kept"]
    tap.end()
    assert log[-1] == Line("life", "it wrote too much: 50 lines were not kept")


def test_a_line_is_cut_and_read_as_text_whatever_it_is() -> None:
    log = list[Line]()
    tap = Tap(log.append, Clock())
    tap.take("stdout", b"\xff" + b"x" * 10_000)
    assert len(log[0].text) == 8_000
    assert log[0].text.startswith("\ufffdx")


def test_a_line_names_the_child_that_wrote_it_once_there_is_one() -> None:
    log = list[Line]()
    tap = Tap(log.append, Clock())
    tap.say("life", "before")
    tap.pid = 4711
    tap.take("stderr", b"after")
    assert log == [Line("life", "before"), Line("stderr", "after", 4711)]


def test_the_last_errors_are_kept() -> None:
    tap = Tap(lambda line: None, Clock())
    for number in range(100):
        tap.take("stderr", b"%d" % number)
    assert (tap.last[0], tap.last[-1]) == ("80", "99")


def test_a_flood_is_one_within_a_moment() -> None:
    clock = Clock()
    tap = Tap(lambda line: None, clock)
    assert not tap.is_flooded(FLOOD_COST)
    assert tap.is_flooded(1)
    clock.now_s += FLOOD_S + 0.01
    assert not tap.is_flooded(FLOOD_COST)
