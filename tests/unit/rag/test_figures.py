"""A figure is the same in both languages and in every unit of its family; another figure is another."""

import pytest

from rag.engine.evidence import Language
from rag.engine.figures import find_unfounded, read_figures

SAME: list[tuple[str, Language, str, Language]] = [
    ("fee 1,200 ppm", "en", "frais de 1 200 ppm", "fr"),
    ("1\u202f200 ppm", "fr", "1,200 ppm", "en"),
    ("0,5 %", "fr", "0.5 %", "en"),
    ("80,8 % du canal", "fr", "80.8% of the channel", "en"),
    ("50k sat", "en", "50 000 sats", "fr"),
    ("50k sats", "en", "50,000,000 msat", "en"),
    ("0.05 BTC", "en", "5,000,000 sat", "en"),
    ("1,5 million sat", "fr", "1500000 sat", "en"),
    ("1 %", "fr", "10,000 ppm", "en"),
    ("24 hours", "en", "1 jour", "fr"),
    ("350", "en", "350 ppm", "en"),
    ("zero ppm", "en", "0 ppm", "en"),
    ("trois canaux", "fr", "3 channels", "en"),
    ("channel 800000x1x0", "en", "800000x1x0 has", "en"),
    ("on 1 November 2026", "en", "2026-11-01 12:00 UTC", "en"),
    ("le 1er novembre 2026 à 12h00", "fr", "2026-11-01 12:00 UTC", "en"),
    ("from 300 to 250 ppm.", "en", "from 300 to 250 ppm", "en"),
]
OTHER: list[tuple[str, Language, str, Language]] = [
    ("351 ppm", "en", "350 ppm", "en"),
    ("350 sat", "en", "350 ppm", "en"),
    ("-5 ppm", "en", "5 ppm", "en"),
    ("1,200 ppm", "fr", "12 ppm", "en"),
    ("12 days", "en", "12 hours", "en"),
    ("zero ppm", "en", "5 ppm", "en"),
    ("channel 800000x2x0", "en", "channel 800000x1x0", "en"),
    ("on 2 November 2026", "en", "2026-11-01", "en"),
    ("0.20.1-beta", "en", "0.20", "en"),
    ("twice as much", "en", "as much", "en"),
]


@pytest.mark.parametrize(("text", "language", "ground", "other"), SAME)
def test_the_same_figure_is_found(text: str, language: Language, ground: str, other: Language) -> None:
    assert find_unfounded(read_figures(text, language), [read_figures(ground, other)]) == []


@pytest.mark.parametrize(("text", "language", "ground", "other"), OTHER)
def test_another_figure_is_not(text: str, language: Language, ground: str, other: Language) -> None:
    assert find_unfounded(read_figures(text, language), [read_figures(ground, other)]) != []
