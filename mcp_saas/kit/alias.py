"""A name that a stranger chose, made fit to stand in a line of ours."""

import re
import unicodedata
from itertools import groupby, islice

MAX_LENGTH = 32  # BOLT 7 gives an alias 32 bytes
MAX_MARKS = 2  # on one letter; living scripts need no more
VARIATION_SELECTORS = re.compile(
    "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)  # terminals disagree on how wide they make a character

# What looks the same and makes no address and no mention of it, where a program turns such words into links.
_WITHOUT_LINKS = str.maketrans({".": "\N{ONE DOT LEADER}", "@": "\N{FULLWIDTH COMMERCIAL AT}", ":": "\N{RATIO}"})


def tame_alias(alias: str) -> str:
    """The alias in one line of at most 32 characters: nothing that moves the cursor, turns the direction of writing,
    joins characters or piles up marks. Empty when nothing is left.
    """
    one_line = " ".join(unicodedata.normalize("NFC", alias).split())
    printable = "".join(character for character in one_line if character.isprintable())
    plain = VARIATION_SELECTORS.sub("", printable)
    runs = groupby(plain, key=_is_mark)
    return "".join("".join(islice(run, MAX_MARKS if is_mark else None)) for is_mark, run in runs)[:MAX_LENGTH].strip()


def unlink_name(name: str) -> str:
    """The name with nothing in it that a messenger makes a link of: `t.me/help`, `@help`, `tg://resolve`."""
    return name.translate(_WITHOUT_LINKS)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
