"""Texts of a fixed form: the pattern for machines, the words for people, said once for schema and refusal."""

from typing import Annotated

from msgspec import Meta

_END = r"$(?!\n)"  # Python's $ alone also matches before a last newline
# Nor what turns the direction of what follows: a name must not look like another one.
PLAIN_TEXT = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+"
PLAIN_WORDS = "text without control characters and marks of direction"
_words: dict[str, str] = {}


def spelled(pattern: str, words: str, *, min_length: int | None = None, max_length: int | None = None) -> Meta:
    """Text that matches `pattern` as a whole. `words` say it in the OpenAPI document and wherever it is refused."""
    whole = f"^{pattern}{_END}"
    _words[whole] = words
    return Meta(pattern=whole, description=words, min_length=min_length, max_length=max_length)


def without_nul(*, min_length: int | None = None, max_length: int) -> Meta:
    """PostgreSQL stores no NUL."""
    return spelled(r"[^\x00]*", "text without NUL characters", min_length=min_length, max_length=max_length)


def telling(*, min_length: int = 1, max_length: int) -> Meta:
    """Text for people to read: blanks around it do not count for `min_length`."""
    words = f"text of {min_length} characters at least, blanks around it not counted, without NUL characters"
    pattern = rf"\s*(?=[^\s\x00])[^\x00]{{{min_length - 1},}}[^\s\x00]\s*"
    return spelled(pattern, words, min_length=min_length, max_length=max_length)


def describe_pattern(pattern: str) -> str | None:
    """The words of a pattern that `spelled` has made."""
    return _words.get(pattern)


Pubkey = Annotated[str, spelled(r"0[23][0-9a-f]{64}", "66 lower-case hex digits, starting with 02 or 03")]
