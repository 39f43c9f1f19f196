"""Times are read exactly, as a calendar's in UTC or so many hours up to now, or not at all."""

import datetime as dt

import pytest

from rag.engine.intent.span import read_span
from rag.engine.intent.value import Span
from rag.engine.suspicion import fold

NOW = dt.datetime(2026, 11, 21, 19, 30, tzinfo=dt.UTC)  # a Saturday
EXACT = {
    "yesterday": ("2026-11-20 00:00", "2026-11-21 00:00"),
    "hier": ("2026-11-20 00:00", "2026-11-21 00:00"),
    "avant-hier": ("2026-11-19 00:00", "2026-11-20 00:00"),
    "today": ("2026-11-21 00:00", "2026-11-21 19:30"),
    "aujourd'hui": ("2026-11-21 00:00", "2026-11-21 19:30"),
    "this week": ("2026-11-16 00:00", "2026-11-21 19:30"),
    "la semaine dernière": ("2026-11-09 00:00", "2026-11-16 00:00"),
    "last month": ("2026-10-01 00:00", "2026-11-01 00:00"),
    "le mois dernier": ("2026-10-01 00:00", "2026-11-01 00:00"),
    "ce mois": ("2026-11-01 00:00", "2026-11-21 19:30"),
    "last year": ("2025-01-01 00:00", "2026-01-01 00:00"),
    "in 2024": ("2024-01-01 00:00", "2025-01-01 00:00"),
    "en 2024": ("2024-01-01 00:00", "2025-01-01 00:00"),
    "in December": ("2025-12-01 00:00", "2026-01-01 00:00"),
    "en octobre 2025": ("2025-10-01 00:00", "2025-11-01 00:00"),
    "in May": ("2026-05-01 00:00", "2026-06-01 00:00"),
    "on 3 November": ("2026-11-03 00:00", "2026-11-04 00:00"),
    "le 3 novembre 2025": ("2025-11-03 00:00", "2025-11-04 00:00"),
    "on November 3rd, 2025": ("2025-11-03 00:00", "2025-11-04 00:00"),
    "on 2026-11-03": ("2026-11-03 00:00", "2026-11-04 00:00"),
    "last Tuesday": ("2026-11-17 00:00", "2026-11-18 00:00"),
    "samedi": ("2026-11-14 00:00", "2026-11-15 00:00"),
    "since Monday": ("2026-11-16 00:00", "2026-11-21 19:30"),
    "depuis hier": ("2026-11-20 00:00", "2026-11-21 19:30"),
    "from 2026-11-01 to 2026-11-05": ("2026-11-01 00:00", "2026-11-06 00:00"),
    "3 days ago": ("2026-11-18 00:00", "2026-11-19 00:00"),
    "il y a 3 jours": ("2026-11-18 00:00", "2026-11-19 00:00"),
    "in the last 3 days": ("2026-11-18 19:30", "2026-11-21 19:30"),
    "les 30 derniers jours": ("2026-10-22 19:30", "2026-11-21 19:30"),
    "24h": ("2026-11-20 19:30", "2026-11-21 19:30"),
    "in the last two weeks": ("2026-11-07 19:30", "2026-11-21 19:30"),
    "per month": ("2026-10-22 19:30", "2026-11-21 19:30"),
    "in total": ("2009-01-03 00:00", "2026-11-21 19:30"),
}


@pytest.mark.parametrize("words", EXACT)
def test_a_time_is_read_exactly(words: str) -> None:
    span = read_span(fold(f"how much did we earn {words}?"), NOW)
    assert isinstance(span, Span)
    assert tuple(f"{one:%Y-%m-%d %H:%M}" for one in (span.since, span.until)) == EXACT[words]


@pytest.mark.parametrize(
    "words", ["tomorrow", "demain", "next week", "le mois prochain", "in 2030", "in the next 3 days"]
)
def test_what_is_to_come_is_a_forecast(words: str) -> None:
    assert read_span(fold(f"how much do we earn {words}?"), NOW) == "forecast"


@pytest.mark.parametrize(
    "words", ["last summer", "this morning", "ce soir", "au trimestre dernier", "last week compared to last month"]
)
def test_a_time_that_is_not_read_is_told(words: str) -> None:
    assert read_span(fold(f"how much did we earn {words}?"), NOW) == "time"


def test_no_time_is_none() -> None:
    assert read_span("why may the fee march on?", NOW) is None
