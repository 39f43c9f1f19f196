"""Long texts in messages of 4,096 characters, counted as Telegram counts: UTF-16 code units."""

MAX_UNITS = 4096


def count_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_text(text: str, *, most: int = MAX_UNITS) -> list[str]:
    """At line ends where there are any; a line that is too long is cut between characters, never within one."""
    parts, part = [], ""
    for line in text.split("\n"):
        pieces = _cut_line(line, most)
        for number, piece in enumerate(pieces):
            glue = "\n" if part and number == 0 else ""
            if part and count_units(part) + len(glue) + count_units(piece) > most:
                parts.append(part)
                part, glue = "", ""
            part += glue + piece
    return [one for one in [*parts, part] if one.strip()]


def _cut_line(line: str, most: int) -> list[str]:
    pieces, piece, units = [], "", 0
    for character in line:
        size = 2 if ord(character) > 0xFFFF else 1
        if units + size > most:
            pieces.append(piece)
            piece, units = "", 0
        piece, units = piece + character, units + size
    return [*pieces, piece]
