"""What is stored comes back as it was, whatever the keys of its maps are."""

from msgspec import Struct

from tenants.sealing.payload import pack, unpack


class Windows(Struct):
    """As a decision's inputs hold them: flows by the window's length in seconds."""

    by_seconds: dict[int, float]
    by_name: dict[str, float]


def test_a_map_with_number_keys_is_stored() -> None:
    value = Windows(by_seconds={86_400: 1.0, 3_600: 2.0}, by_name={"b": 1.0, "a": 2.0})

    assert unpack(pack(value), Windows) == value
    assert pack(value) == pack(unpack(pack(value), Windows))


def test_the_order_of_a_map_with_text_keys_is_no_content() -> None:
    assert pack({"a": 1, "b": 2}) == pack({"b": 2, "a": 1})
