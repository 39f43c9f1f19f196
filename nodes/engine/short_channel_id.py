"""A channel's two names: BOLT 7's "block x transaction x output", and the 64-bit number LND uses."""

import re
from typing import Annotated

from mcp_saas.kit.text import spelled

_FIELD_BITS = (24, 24, 16)


def _spell_numbers_below(limit: int) -> str:
    """The pattern of the numbers from 0 to `limit` - 1, without leading zeros."""
    last = str(limit - 1)
    fewer_digits = ["0", f"[1-9][0-9]{{0,{len(last) - 2}}}"]
    same_digits = [
        f"{last[:place]}[{least}-{int(digit) - 1}][0-9]{{{len(last) - place - 1}}}"
        for place, digit in enumerate(last)
        if int(digit) > (least := 0 if place else 1)
    ]
    return f"({'|'.join([*fewer_digits, *same_digits, last])})"


_PATTERN = "x".join(_spell_numbers_below(2**bits) for bits in _FIELD_BITS)
_WORDS = (
    "block x transaction x output, as in 800000x12x1, without leading zeros: "  # BOLT 7; one channel has one name
    "block below 16777216, transaction below 16777216, output below 65536"
)
ShortChannelId = Annotated[str, spelled(_PATTERN, _WORDS)]


def scid_from_channel_id(channel_id: int) -> str:
    """1099511627776 -> "1x0x0". Raises ValueError outside 64 bits."""
    if not 0 <= channel_id < 2**64:
        raise ValueError(f"channel id {channel_id}: must be a 64-bit number, not negative")
    return f"{channel_id >> 40}x{channel_id >> 16 & 0xFFFFFF}x{channel_id & 0xFFFF}"


def channel_id_from_scid(short_channel_id: str) -> int:
    """ "1x0x0" -> 1099511627776. Raises ValueError where the text is no short channel id."""
    fields = re.fullmatch(_PATTERN, short_channel_id)
    if fields is None:
        raise ValueError(f"short channel id {short_channel_id!r}: must read {_WORDS}")
    block, transaction, output = map(int, fields.groups())
    return block << 40 | transaction << 16 | output
