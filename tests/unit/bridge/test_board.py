"""What lies in Redis between control plane and gateways tells nobody else anything."""

import os
from uuid import UUID

import pytest

from bridge.engine.board import open_catalogue, read_state_key, seal_catalogue
from bridge.engine.server import Catalogue, Server, Stdio
from mcp_saas.kit.crypto import SealBrokenError

KEY = bytes(range(32))
TENANT = UUID(int=7)
CATALOGUE = Catalogue(3, (Server("a", Stdio("x", env={"K": "secret"})),), closed=(TENANT,), token_versions={TENANT: 2})


def test_the_catalogue_is_sealed_and_opens_as_it_was() -> None:
    sealed = seal_catalogue(CATALOGUE, KEY)
    assert b"secret" not in sealed
    assert open_catalogue(sealed, KEY) == CATALOGUE


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBrokenError):
        open_catalogue(seal_catalogue(CATALOGUE, KEY), os.urandom(32))


@pytest.mark.parametrize("text", ["", "AAAA", "no base64!", "ä"])
def test_a_key_that_is_none_is_refused_with_words(text: str) -> None:
    with pytest.raises(ValueError, match="32 random bytes in base64"):
        read_state_key(text)
