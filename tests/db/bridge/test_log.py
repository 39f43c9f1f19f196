"""Logs of servers are read back, searched and followed, whoever wrote them."""

from bridge.manager.log import is_place, read_after, read_lines, wait_after
from tests.db.bridge.gateways import write_line


def test_the_last_lines_come_in_their_order() -> None:
    for number in range(7):
        write_line("echo", f"line {number}")
    assert [line.text for line in read_lines("echo", limit=3)] == ["line 4", "line 5", "line 6"]
    assert read_lines("other") == []


def test_lines_are_found_by_their_words_and_stream_however_far_back() -> None:
    write_line("echo", "Needle one", stream="stdout")
    for number in range(1200):
        write_line("echo", f"hay {number}")
    write_line("echo", "needle two")
    assert [line.text for line in read_lines("echo", words="NEEDLE")] == ["Needle one", "needle two"]
    assert [line.text for line in read_lines("echo", words="needle", stream="stdout")] == ["Needle one"]


def test_who_follows_gets_what_came_since() -> None:
    place = write_line("echo", "old")
    write_line("echo", "new", stream="life")
    [line] = wait_after("echo", place, wait_s=0.01)
    assert (line.text, line.stream, line.pid) == ("new", "life", 4711)
    assert read_after("echo", line.id) == []
    assert wait_after("echo", line.id, wait_s=0.01) == []


def test_a_line_without_its_fields_is_still_a_line(empty_board: object) -> None:
    empty_board.xadd("dazbox:mcp:log:echo", {"text": b"\xff"})  # type: ignore[attr-defined]
    [line] = read_lines("echo")
    assert (line.text, line.at, line.pid) == ("\ufffd", None, None)


def test_a_place_is_the_id_of_a_line() -> None:
    assert is_place("1732230000000-0")
    assert not is_place("$")
    assert not is_place("1-0; DROP")
