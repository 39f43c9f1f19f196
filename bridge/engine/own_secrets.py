"""What boxes give servers of their own, as it stands in Redis: one hash, in it each box's secrets sealed by themselves.

field: a tenant's id    value: a mark, and the sealed secrets; another mark where one of them was set anew
field: ""               the mark of all of them together; without it the hash was lost, and says nothing of anybody
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.engine.server import TenantSecret
from mcp_saas.kit.crypto import SealBrokenError, name_place, open_sealed, seal

SECRETS = "dazbox:mcp:secrets"
ALL = b""
MARK_BYTES = 16
_decode = msgspec.json.Decoder(tuple[TenantSecret, ...]).decode


def seal_secrets(secrets: Sequence[TenantSecret], key: bytes, *, tenant_id: UUID, mark: bytes) -> bytes:
    return mark + seal(AESGCM(key), msgspec.json.encode(secrets), place=_place(tenant_id))


def open_secrets(value: bytes, key: bytes, *, tenant_id: UUID) -> tuple[TenantSecret, ...]:
    """Raises SealBrokenError for another key, another tenant's or a changed value."""
    try:
        return _decode(open_sealed(AESGCM(key), value[MARK_BYTES:], place=_place(tenant_id)))
    except msgspec.DecodeError:
        raise SealBrokenError("own secrets are of another release: restart this process with the newer one") from None


def _place(tenant_id: UUID) -> bytes:
    return name_place(SECRETS, str(tenant_id))
