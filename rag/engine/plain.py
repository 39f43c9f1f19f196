"""Text of strangers as one line of plain words: nothing that is loaded, followed, run or hidden."""

import html
import re
import unicodedata

_TAG = re.compile(r"<!--.*?(?:-->|$)|</?[a-zA-Z!?][^<>]{0,2000}>", re.DOTALL)
_OPENING = re.compile(r"<[/a-zA-Z!?]")
_SILENT = re.compile(r"<(script|style|iframe|svg|object|template)\b.*?(?:</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\[\]]{0,500}\](?:\((?:[^()]|\([^()]{0,200}\)){0,1000}\)?|\[[^\[\]]{0,200}\])?")
_LINK = re.compile(r"\[([^\[\]]{0,500})\](?:\((?:[^()]|\([^()]{0,200}\)){0,1000}\)?|\[[^\[\]]{0,200}\])")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\[\]]{1,200}\]:\s.*$", re.MULTILINE)
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.|data:[a-z]+/|javascript:|mailto:)[^\s<>\"'«»]*", re.IGNORECASE
)
_MARKS = re.compile(r"^\s*(?:#{1,6}|>+|[-*+])\s+|[*_~]{2,3}(?=\S)|(?<=\S)[*_~]{2,3}|`+", re.MULTILINE)
_BLOCK_START = re.compile(r"\s*(?:#{1,6}\s|[-*+]\s|\d{1,3}[.)]\s|\||$)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s")
_HEADING = re.compile(r"\s*#{1,6}\s")
_FENCE = re.compile(r"\s{0,3}(?:`{3,}|~{3,})")
# Before a digit or an equals sign no reader of HTML sees a tag begin (its tokeniser wants a letter, a
# slash or a mark), so a comparison stays as it is and a command can be copied. The others become signs like them.
_BRACKETS = re.compile(r"[<>](?![\d=])")
_LIKE = {"<": "\u2039", ">": "\u203a"}
ITEM, CODE = "  ", "    "  # how a block begins
_ROUNDS = 4  # of unescaping: &amp;amp;lt; is no way around


def make_plain(text: str) -> str:
    """No markup, no address, no image, no character that is not seen; blanks and line breaks are single blanks."""
    return _join(_strip_markup(text))


def disarm(text: str) -> str:
    """The same without markup, addresses and images; its lines stay."""
    lines = (" ".join(line.split()) for line in _tame_brackets(_strip_markup(text)).splitlines())
    return "\n".join(lines).strip()


def list_blocks(text: str) -> list[str]:
    """Paragraphs, items of lists (after two blanks) and lines of code (after four), each plain and in one line.
    Headings and tables are none: nobody quotes them as a sentence.
    """
    blocks: list[tuple[str, list[str]]] = [("", [])]
    in_code = False
    for line in _strip_markup(text).splitlines():
        is_fence = bool(_FENCE.match(line))
        in_code ^= is_fence
        is_left_out = is_fence or (not in_code and bool(_HEADING.match(line) or line.lstrip().startswith("|")))
        if in_code or is_left_out or _BLOCK_START.match(line):
            blocks.append((CODE if in_code else ITEM if _ITEM.match(line) else "", []))
        if not is_left_out:
            blocks[-1][1].append(line)
    return [indent + plain for indent, block in blocks if (plain := _join_block(indent, block))]


def _join_block(indent: str, lines: list[str]) -> str:
    """A line of code keeps its marks."""
    text = "\n".join(lines)
    return " ".join(_tame_brackets(text.replace("`", "")).split()) if indent == CODE else _join(text)


def _strip_markup(text: str) -> str:
    text = _SILENT.sub(" ", _unescape(drop_unseen(text)))
    text = _REFERENCE.sub(" ", _LINK.sub(r"\1", _IMAGE.sub(" ", text)))
    return _ADDRESS.sub(" ", _TAG.sub(" ", text))


def _join(text: str) -> str:
    return " ".join(_tame_brackets(_MARKS.sub("", text)).split())


def _tame_brackets(text: str) -> str:
    return _BRACKETS.sub(lambda found: _LIKE[found[0]], text)


def drop_unseen(text: str) -> str:
    """Without marks of direction, characters of no width, tags, surrogates and control characters; breaks stay."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        character
        for character in composed
        if character in "\n\t " or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )


def has_markup(text: str) -> bool:
    """Whether it is not plain: an answer that holds such a thing is not shown."""
    return bool(
        _OPENING.search(text)
        or _IMAGE.search(text)
        or _LINK.search(text)
        or _ADDRESS.search(text)
        or drop_unseen(text) != unicodedata.normalize("NFC", text)
    )


def _unescape(text: str) -> str:
    for _ in range(_ROUNDS):
        unescaped = drop_unseen(html.unescape(text))
        if unescaped == text:
            break
        text = unescaped
    return text
