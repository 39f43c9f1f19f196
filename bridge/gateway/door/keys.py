"""The keys our tokens verify with, read from the issuer's JWKS and kept."""

import httpx
import jwt


class KeySet:
    """ES256 keys by kid."""

    def __init__(self, url: str, *, client: httpx.AsyncClient) -> None:
        self._url, self._client = url, client
        self._keys: dict[str, jwt.PyJWK] = {}

    def find(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid)

    async def read(self) -> None:
        answer = await self._client.get(self._url)
        answer.raise_for_status()
        self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if key.key_id}

    async def run(self) -> None:
        """Reads them again before they get old, until it is cancelled."""
        await self.read()
