"""What people see at the end of `make run`."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from wcwidth import width

from mcp_saas.embedded.report import BoxReport, describe_age, lay_report
from mcp_saas.embedded.run import AdminAccess, ClientAccess, RunInfo, describe_run
from mcp_saas.embedded.seed import OPERATOR, SHOP
from mcp_saas.embedded.state import StateFolder

NOW = dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)
REASON = (
    "Channel 830000x12x1 with ACINQ: Local balance is 7 % of the channel, which asks for 930 ppm, so the fee goes up "
    "from 5 to 930 ppm (proportional, 50..1000 ppm)."
)
EFFECT = {"sat_per_day": 279.4, "low_sat_per_day": -47.0, "high_sat_per_day": 840.0, "basis": "..."}


def read_report(alias: str = "start9", **changes: Any) -> BoxReport:
    summary = {
        "channels": 12, "raised": 8, "lowered": 3, "changed": 2, "kept": 1, "score": 0.7, "effect": EFFECT,
        "effect_channels": 10, "extrapolated_channels": 0, "top_reason": REASON,
    } | changes  # fmt: skip
    return BoxReport.read(alias, {"summary": summary, "finished_at": "2026-03-03T11:59:57Z"})


def show(*reports: BoxReport, note: str = "") -> list[str]:
    return lay_report(reports, note=note, now=NOW)


def test_the_table_says_what_to_do_what_it_may_bring_and_why() -> None:
    shown = [" ".join(line.split()) for line in show(read_report())]

    assert "start9 12 0.70 8 3 2 1 +279" in shown
    assert "Expected -47 .. +840 sat a day from 10 of 12 channels." in shown
    assert REASON in " ".join(shown)
    assert not any(line.startswith(("~", "Below zero")) for line in shown)


@pytest.mark.parametrize(
    "alias",
    [
        "a" * 128,
        "日本のノード" * 20,
        "🐙" * 64,
        "שלום" * 30,
        "\x1b[2J\u202e" * 20 + "x",
        "👨‍👩‍👧🇫🇷❤️" * 12,
        "\u0336" * 99,
        "",
    ],
)
def test_no_alias_makes_a_line_longer_than_80_columns_or_moves_the_cursor(alias: str) -> None:
    summary = {"sat_per_day": -1234567.0, "low_sat_per_day": -9e12, "high_sat_per_day": 9e12, "basis": "..."}
    lines = show(read_report(alias, effect=summary, top_reason=f"Channel 1x1x1 with {'w' * 300}"), note="n" * 200)

    assert max(width(line) for line in lines) <= 80
    assert all(line.isprintable() for line in lines)


def test_an_alias_that_is_cut_ends_with_an_ellipsis_and_leaves_the_figures_in_their_columns() -> None:
    wide, narrow = (next(line for line in show(read_report(alias)) if "0.70" in line) for alias in ("日本" * 20, "x"))

    assert "本…" in wide
    assert width(wide) == width(narrow)


def test_effects_beyond_what_was_measured_are_marked_counted_and_explained() -> None:
    shown = "\n".join(show(read_report(extrapolated_channels=4)))

    assert "~ +279" in shown
    assert "from 10 of 12 channels, 4 extrapolated." in shown
    assert "~ some of these fees change by more than a factor of 2" in shown


def test_a_loss_is_explained_where_there_is_one() -> None:
    loss = EFFECT | {"sat_per_day": -613.0}

    assert any(line.startswith("Below zero: ") for line in show(read_report(), read_report(effect=loss)))


def test_a_box_without_data_says_so() -> None:
    nothing = {"score": None, "effect": None, "effect_channels": 0, "top_reason": None}
    shown = [" ".join(line.split()) for line in show(read_report(**nothing))]

    assert "start9 12 no data 8 3 2 1 no data" in shown
    assert "Nothing to change." in shown
    assert "Expected: no data, for no channel has a known income to start from." in shown


@pytest.mark.parametrize(
    ("age_s", "told"),
    [
        (0, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (7200, "2 hours"),
        (200_000, "2 days"),
    ],
)
def test_the_table_says_how_old_it_is(age_s: int, told: str) -> None:
    made_at = NOW - dt.timedelta(seconds=age_s)

    assert describe_age([made_at], now=NOW) == f"Made {made_at:%Y-%m-%d %H:%M:%S} UTC ({told} ago)"


def test_boxes_looked_at_far_apart_are_given_with_both_ends() -> None:
    made_at = [NOW, NOW - dt.timedelta(days=3)]

    assert describe_age(made_at, now=NOW) == "Made 2026-02-28 12:00:00 UTC (3 days ago) to 2026-03-03 12:00:00 UTC"


def test_how_to_go_on_fits_80_columns() -> None:
    state = StateFolder(Path("/home/ann/dazbox/var"), "0123456789abcdef")
    api, secret = "http://127.0.0.1:65535/api/v1", "f" * 64
    admin = AdminAccess("http://127.0.0.1:65535/admin/", OPERATOR, secret)

    shown = describe_run(state, RunInfo(api, None, admin, ClientAccess(SHOP, secret), ()))

    assert shown.count(secret) == 2
    assert max(len(line) for line in shown.splitlines()) <= 80
