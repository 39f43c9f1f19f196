import pytest

from mcp_saas.kit.alias import MAX_LENGTH, tame_alias


@pytest.mark.parametrize("alias", ["ACINQ", "Bär & Söhne", "日本のノード", "⚡ lightning 🐙", "שלום", "สวัสดี"])
def test_a_harmless_alias_stays_as_it_is(alias: str) -> None:
    assert tame_alias(alias) == alias


@pytest.mark.parametrize(
    ("alias", "tamed"),
    [
        ("two\nlines\r\n\tand\u2028more", "two lines and more"),
        ("\x1b[31mred\x07\x9b", "[31mred"),
        ("\u202eQNICA\u2066\u200f", "QNICA"),
        ("a\u200b\u200d\u00adb", "ab"),
        ("❤\ufe0f", "❤"),
        ("x" + "\u0336" * 40 + "y", "x\u0336\u0336y"),
        ("\u202e \x00", ""),
        ("a" * 200, "a" * MAX_LENGTH),
    ],
)  # fmt: skip
def test_what_would_upset_a_line_is_left_out(alias: str, tamed: str) -> None:
    assert tame_alias(alias) == tamed
