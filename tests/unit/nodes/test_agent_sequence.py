"""A box's own count only grows."""

from pathlib import Path

import pytest

from nodes.agent.sequence import take_seq

NOW_S = 1_727_000_000.9


def test_the_count_starts_at_unix_time_and_grows_by_one(tmp_path: Path) -> None:
    assert [take_seq(tmp_path, NOW_S) for _ in range(3)] == [1_727_000_000, 1_727_000_001, 1_727_000_002]


def test_the_count_does_not_follow_a_clock_that_goes_back(tmp_path: Path) -> None:
    first = take_seq(tmp_path, NOW_S)

    assert take_seq(tmp_path, NOW_S - 86_400) == first + 1


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"next_seq": "9"}', b'{"next_seq": true}', b"\xff"])
def test_the_count_still_grows_when_its_file_is_lost_or_damaged(tmp_path: Path, content: bytes | None) -> None:
    before = take_seq(tmp_path, NOW_S)
    (tmp_path / "state.json").unlink()
    if content is not None:
        (tmp_path / "state.json").write_bytes(content)

    assert take_seq(tmp_path, NOW_S + 60) > before


def test_the_count_still_grows_when_its_file_comes_from_an_old_backup(tmp_path: Path) -> None:
    take_seq(tmp_path, NOW_S - 86_400)
    backup = (tmp_path / "state.json").read_bytes()
    before = take_seq(tmp_path, NOW_S)
    (tmp_path / "state.json").write_bytes(backup)

    assert take_seq(tmp_path, NOW_S + 60) > before


def test_a_count_that_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()

    with pytest.raises(OSError, match=r"state\.json"):
        take_seq(tmp_path, NOW_S)
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
