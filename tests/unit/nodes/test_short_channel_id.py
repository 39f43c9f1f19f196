"""A channel's two names say the same."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.short_channel_id import ShortChannelId, channel_id_from_scid, scid_from_channel_id


@pytest.mark.parametrize(
    ("channel_id", "scid"),
    [(0, "0x0x0"), (101, "0x0x101"), (829031767408640, "754x1x0"), (2**64 - 1, "16777215x16777215x65535")],
)
def test_known_pairs(channel_id: int, scid: str) -> None:
    assert scid_from_channel_id(channel_id) == scid
    assert channel_id_from_scid(scid) == channel_id


@given(st.integers(0, 2**64 - 1))
def test_there_and_back(channel_id: int) -> None:
    assert channel_id_from_scid(scid_from_channel_id(channel_id)) == channel_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1x2",
        "1x2x3x4",
        "ax1x1",
        "1x-1x1",
        "16777216x0x0",
        "0x16777216x0",
        "0x0x65536",
        "1x1x\u0661",
        "01x1x1",
        "1x1x1\n",
    ],
)
def test_what_is_no_short_channel_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="short channel id"):
        channel_id_from_scid(text)


@pytest.mark.parametrize("channel_id", [-1, 2**64])
def test_what_does_not_fit_in_64_bits_is_refused(channel_id: int) -> None:
    with pytest.raises(ValueError, match="64-bit"):
        scid_from_channel_id(channel_id)


@pytest.mark.parametrize("place", range(3))
def test_each_number_of_a_short_channel_id_ends_where_its_bits_do(place: int) -> None:
    limit = (2**24, 2**24, 2**16)[place]
    near = {
        *range(1200),
        *(10**power + step for power in range(8) for step in (-1, 0, 1)),
        *range(limit - 9, limit + 9),
    }
    taken = set()
    for number in near:
        with contextlib.suppress(msgspec.ValidationError):
            taken.add(int(convert_scid(number, place).split("x")[place]))
    assert taken == {number for number in near if number < limit}


def convert_scid(number: int, place: int) -> str:
    numbers = ["0", "0", "0"]
    numbers[place] = str(number)
    return msgspec.convert("x".join(numbers), ShortChannelId)
