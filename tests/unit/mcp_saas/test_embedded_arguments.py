"""`python -m mcp_saas.embedded` takes no arguments but --help, and starts nothing when asked for it."""

import pytest

from mcp_saas.embedded.__main__ import read_arguments


def test_help_is_printed_and_nothing_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("GRAPH", "FLEET", "PORT", "DAZBOX_HOME"))


def test_what_is_no_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(["--fleet", "5"])
    assert ended.value.code == 2
