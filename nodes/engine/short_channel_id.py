"""A channel's two names: BOLT 7's "block x transaction x output", and the 64-bit number LND uses."""

_FIELD_BITS = (24, 24, 16)


def scid_from_channel_id(channel_id: int) -> str:
    """1099511627776 -> "1x0x0". Raises ValueError outside 64 bits."""
    if not 0 <= channel_id < 2**64:
        raise ValueError(f"channel id {channel_id}: must be a 64-bit number, not negative")
    return f"{channel_id >> 40}x{channel_id >> 16 & 0xFFFFFF}x{channel_id & 0xFFFF}"


def channel_id_from_scid(short_channel_id: str) -> int:
    """ "1x0x0" -> 1099511627776. Raises ValueError where the text is no short channel id."""
    fields = short_channel_id.split("x")
    if len(fields) != len(_FIELD_BITS) or not all(field.isascii() and field.isdecimal() for field in fields):
        raise ValueError(
            f"short channel id {short_channel_id!r}: must read block x transaction x output, as in 800000x1x0"
        )
    channel_id = 0
    for field, bits in zip(fields, _FIELD_BITS, strict=True):
        if int(field) >= 2**bits:
            raise ValueError(f"short channel id {short_channel_id!r}: {field} does not fit in {bits} bits")
        channel_id = channel_id << bits | int(field)
    return channel_id
