"""JSON as editors write it: with comments, with a comma after the last element, and with a mark at its beginning."""

import json
import re
from typing import Any

_STRING = r'"(?:[^"\\\n]|\\.)*"'
# A comment that never ends reaches to the end of the text: what is read twice is read slowly.
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)")
_TRAILING_COMMA = re.compile(rf"{_STRING}|,(?=\s*[}}\]])")


class JsonFault(ValueError):  # noqa: N818 - it is one
    """The text is no JSON; the message tells line, column and what was expected there."""


class Ambiguous(ValueError):  # noqa: N818
    """A name that stands twice, or a number that is none: what is meant, nobody knows."""


def read_jsonc(text: str) -> Any:
    """Places of faults are those of `text`: comments become blanks. Raises JsonFault."""
    bare = _TRAILING_COMMA.sub(_blank, _COMMENT.sub(_blank, text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")))
    try:
        return json.loads(bare, object_pairs_hook=_refuse_repetition, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JsonFault(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except Ambiguous as error:
        raise JsonFault(str(error)) from None
    except RecursionError:
        raise JsonFault("it is nested too deeply") from None


def _blank(match: re.Match[str]) -> str:
    found = match.group()
    return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)


def _refuse_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Ambiguous(f"the name {twice!r} stands twice in one object: keep one of both")
    return found


def _refuse_constant(name: str) -> Any:
    raise Ambiguous(f"{name} is no JSON")
