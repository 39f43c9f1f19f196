"""Which words a field may hold, found by the pointer of a fault."""

from enum import StrEnum
from typing import Literal

import pytest
from msgspec import Struct

from mcp_saas.api.allowed import find_allowed


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct):
    colour: Colour | None = None
    size: Literal["small", "large"] = "small"
    count: int = 0


class Outer(Struct, rename="camel"):
    colours: list[Colour]
    by_name: dict[str, Inner]
    inner: Inner | None = None


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/colours/3", ["blue", "red"]),
        ("/byName/.../size", ["large", "small"]),
        ("/inner/colour", ["blue", "red"]),
        ("/inner/count", []),
        ("/nowhere", []),
        ("", []),
    ],
)
def test_the_words_of_a_field_are_found(pointer: str, words: list[str]) -> None:
    assert find_allowed(Outer, pointer) == words
