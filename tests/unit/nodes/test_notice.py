"""Messages: who is told what in which language, cut as Telegram counts, at the pace it bears."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.notice import EVENTS, NoticeLine, Pace, count_message, find_next_moment, name_event, write_message
from nodes.notify.telegram.split import count_units, split_text

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
FACTS: dict[str, Any] = {"channel": "800000x1x0", "fee_rate_ppm": 250, "actor": "owner", "rules": "net_revenue"}
ALERTS: dict[str, Any] = {"limit": "channels", "used": 4, "allowed": 5, "webhook": "0b1c", "reason": "gone"}
FACTS |= {"mode": "canary", "mode_before": "shadow", "share_percent": 10, "is_on": True, "channels": 3}
FACTS |= {"kinds_fr": "frais 3, sauvegardes 1"}


@pytest.mark.parametrize(
    ("kind", "facts", "event"),
    [
        ("mode", {}, "start"),
        ("first-snapshot", {}, "start"),
        ("action", {"after": "confirmed", "channel": "1x1x1", "verified": True}, "actions"),
        ("action", {"after": "confirmed", "channel": "1x1x1"}, None),
        ("action", {"after": "failed", "channel": "1x1x1"}, "action_failed"),
        ("action", {"after": "sent", "channel": "1x1x1"}, None),
        ("action", {"after": "expired", "count": 9}, None),
        ("rollback", {}, "rollback"),
        ("stop-rule", {}, "stop_rule"),
        ("kill-switch", {}, "kill_switch"),
        ("manual-change", {}, "manual_change"),
        ("node-report", {}, "node"),
        ("quota", {}, "quota"),
        ("webhook", {"reason": "gone"}, "webhook"),
        ("webhook", {"actor": "owner"}, None),
        ("advice", {}, "advice"),
        ("cycle", {}, None),
        ("credential", {}, None),
    ],
)
def test_what_the_journal_says_is_an_event_or_is_nobodys_news(kind: str, facts: dict[str, Any], event: str) -> None:
    assert name_event(kind, facts) == event


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_its_words_in_both_languages(event: Any) -> None:
    line = NoticeLine(kind="mode" if event == "start" else event, text="English sentence", facts=FACTS | ALERTS)
    english, french = (write_message(event, [line], node="node", language=language) for language in ("en", "fr"))
    assert english != french
    assert "None" not in french
    assert "English" not in french


def test_many_lines_are_one_message_with_their_number() -> None:
    lines = [NoticeLine(kind="action", text="", facts=FACTS | {"channel": f"1x{n}x0"}) for n in range(3)]
    assert write_message("actions", lines, node="N", language="fr").splitlines() == [
        "Frais écrits (3), N", "1x0x0 : 250 ppm", "1x1x0 : 250 ppm", "1x2x0 : 250 ppm"
    ]  # fmt: skip


@given(st.text(alphabet="a⚡🦀é\n <&", max_size=400), st.integers(min_value=2, max_value=50))
def test_parts_are_short_enough_and_lose_nothing_but_line_ends(text: str, most: int) -> None:
    parts = split_text(text, most=most)
    assert all(0 < count_units(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_crab_counts_twice_and_is_never_cut() -> None:
    assert count_units("🦀") == 2
    assert split_text("🦀" * 2049) == ["🦀" * 2048, "🦀"]
    assert [len(part) for part in split_text("x" * 4097)] == [4096, 1]


def test_one_message_a_second_and_twenty_a_minute() -> None:
    pace, now = Pace(), NOW
    assert find_next_moment(pace, now=now) == NOW
    for _ in range(20):
        now = find_next_moment(pace, now=now)
        pace = count_message(pace, at=now)
    assert now == NOW + 19 * SECOND
    assert find_next_moment(pace, now=now) == NOW + 60 * SECOND


def test_the_channels_own_word_counts_more() -> None:
    assert find_next_moment(Pace(not_before=NOW + 42 * SECOND), now=NOW) == NOW + 42 * SECOND
