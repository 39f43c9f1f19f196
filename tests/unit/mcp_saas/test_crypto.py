"""Sealing: what was sealed opens with the same key at the same place, and under no other circumstances."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from mcp_saas.kit.crypto import (
    NONCE_BYTES,
    TAG_BYTES,
    SealBrokenError,
    derive_key,
    digest_keyed,
    make_key,
    name_place,
    open_sealed,
    seal,
)

keys = st.binary(min_size=32, max_size=32)
places = st.lists(st.text(max_size=12), max_size=5)


@given(key=keys, content=st.binary(max_size=2000), place=places)
def test_what_was_sealed_opens_again(key: bytes, content: bytes, place: list[str]) -> None:
    sealed = seal(AESGCM(key), content, place=name_place(*place))
    assert len(sealed) == len(content) + NONCE_BYTES + TAG_BYTES
    assert open_sealed(AESGCM(key), sealed, place=name_place(*place)) == content


@given(content=st.binary(max_size=200), data=st.data())
def test_a_flipped_bit_anywhere_is_noticed(content: bytes, data: st.DataObject) -> None:
    key, place = AESGCM(make_key()), name_place("here")
    sealed = bytearray(seal(key, content, place=place))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBrokenError):
        open_sealed(key, bytes(sealed), place=place)


@given(content=st.binary(max_size=200), data=st.data())
def test_a_value_cut_or_lengthened_is_noticed(content: bytes, data: st.DataObject) -> None:
    key, place = AESGCM(make_key()), name_place("here")
    sealed = seal(key, content, place=place)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    for wrong in (sealed[:cut], sealed + data.draw(st.binary(min_size=1, max_size=9))):
        with pytest.raises(SealBrokenError):
            open_sealed(key, wrong, place=place)


@given(ours=places, theirs=places)
def test_two_places_are_never_one(ours: list[str], theirs: list[str]) -> None:
    """Also where the parts together are the same text."""
    assert (name_place(*ours) == name_place(*theirs)) == (ours == theirs)


@given(ours=places, theirs=places)
def test_at_another_place_it_does_not_open(ours: list[str], theirs: list[str]) -> None:
    key = AESGCM(make_key())
    sealed = seal(key, b"content", place=name_place(*ours))
    if ours == theirs:
        assert open_sealed(key, sealed, place=name_place(*theirs)) == b"content"
    else:
        with pytest.raises(SealBrokenError):
            open_sealed(key, sealed, place=name_place(*theirs))


@given(key=keys)
def test_with_another_key_it_does_not_open_and_the_error_tells_no_secret(key: bytes) -> None:
    sealed = seal(AESGCM(make_key()), b"content", place=b"")
    with pytest.raises(SealBrokenError) as refused:
        open_sealed(AESGCM(key), sealed, place=b"")
    assert key.hex() not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_same_content_is_never_sealed_to_the_same_bytes() -> None:
    key = AESGCM(make_key())
    assert len({seal(key, b"content", place=b"") for _ in range(1000)}) == 1000


@given(content=st.binary(max_size=100), other=st.binary(max_size=100), key=keys)
def test_digests_are_equal_for_equal_contents_under_one_key(content: bytes, other: bytes, key: bytes) -> None:
    assert (digest_keyed(key, content) == digest_keyed(key, other)) == (content == other)
    assert digest_keyed(key, content) != digest_keyed(derive_key(key, "another"), content)


def test_keys_of_two_purposes_differ() -> None:
    assert derive_key(b"s" * 32, "one") != derive_key(b"s" * 32, "two") != derive_key(b"s" * 32, "two", salt=b"x")
