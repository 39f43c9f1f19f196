"""A tenant's text in the store: sealed with its key, bound to tenant, document and position, opened for it alone."""

import base64
import hashlib
from typing import Any

import msgspec
from qdrant_client import models

from rag.sources.qdrant.errors import ScopeError
from rag.sources.qdrant.point import Content
from rag.sources.qdrant.scope import Scope
from tenants.sealing.tenant import TenantKeys, current_keys

TABLE, COLUMN = "knowledge", "content"


def store_content(scope: Scope, content: Content, *, document: str, position: int) -> dict[str, Any]:
    """The payload's fields for a content: plain for the shared corpus, `ct` (base64) and `kid` for a tenant."""
    if scope.is_shared:
        return {name: value for name, value in msgspec.to_builtins(content).items() if value}
    keys = _keys_of(scope)
    sealed = keys.seal(msgspec.msgpack.encode(content), **_place_of(document, position))
    return {"ct": base64.b64encode(sealed).decode("ascii"), "kid": keys.generation}


def read_content(payload: dict[str, Any], *, scope: Scope) -> Content:
    """Raises SealBrokenError for a sealed text of another place, KeyMissingError where its key is destroyed."""
    if "ct" not in payload:
        return msgspec.convert(payload, Content)
    sealed = base64.b64decode(payload["ct"])
    place = _place_of(payload["doc"], payload["position"])
    return msgspec.msgpack.decode(_keys_of(scope).open(sealed, **place), type=Content)


def is_older(scope: Scope) -> models.Filter:
    """Sealed with an older key of the scope's tenant than its newest."""
    older = models.Range(lt=_keys_of(scope).generation)
    return models.Filter(must=[models.FieldCondition(key="kid", range=older)])


def reseal(payload: dict[str, Any], *, scope: Scope) -> dict[str, Any]:
    """The fields of a payload that change when it is sealed with the newest key. Raises SealError."""
    content = read_content(payload, scope=scope)
    return store_content(scope, content, document=payload["doc"], position=payload["position"])


def digest_text(scope: Scope, text: str) -> str:
    """Equal for equal texts of one scope; of a tenant's, only with its key."""
    content = text.encode()
    digest = hashlib.sha256(content).digest() if scope.is_shared else _keys_of(scope).digest("knowledge text", content)
    return digest.hex()


def _place_of(document: str, position: int) -> dict[str, str]:
    return {"table": TABLE, "column": COLUMN, "row": f"{document} {position}"}


def _keys_of(scope: Scope) -> TenantKeys:
    """Raises ScopeError where the scope has left its tenant's door."""
    keys = current_keys()
    if str(keys.tenant_id) != scope.writes:
        raise ScopeError(f"{scope} is used behind the door of tenant {keys.tenant_id}")
    return keys
