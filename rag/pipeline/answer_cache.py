"""Answers of models, kept for half an hour for the same question on the same evidence. Exact: nothing similar is given.

Each is sealed with its box's own key and found by a keyed digest: of another box, or once the key is destroyed, it is
noise. A changed fact is other evidence, so no answer outlives what it stands on.
"""

from collections.abc import Sequence

import msgspec
import structlog
from django.core.cache import cache

from mcp_saas.kit.crypto import SealError
from rag.engine.evidence import Evidence, Language, Sentence
from tenants.context import current_tenant
from tenants.sealing.tenant import current_keys

log = structlog.get_logger(__name__)
TTL_S = 1800


class KeptAnswer(msgspec.Struct, frozen=True):
    sentences: tuple[Sentence, ...]
    model: str


def name_answer(question: str, evidence: Sequence[Evidence], *, model: str, language: Language) -> str:
    """Of the tenant we are in: all that the answer depends on."""
    content = msgspec.json.encode((question, language, model, [(one.id, one.title, one.text) for one in evidence]))
    return f"answer:{current_tenant().id}:{current_keys().digest('answer', content).hex()}"


def find_answer(name: str) -> KeptAnswer | None:
    """None also where Redis is away, or what it holds is not ours."""
    try:
        sealed = cache.get(name)
        if sealed is None:
            return None
        raw = current_keys().open(bytes(sealed), table="cache", column="answer", row=name)
        return msgspec.msgpack.decode(raw, type=KeptAnswer)
    except (SealError, msgspec.DecodeError):
        return None
    except Exception as error:  # noqa: BLE001 - a cache that is away is no cache
        log.warning("answer_cache_away", error=type(error).__name__)
        return None


def keep_answer(name: str, answer: KeptAnswer) -> None:
    sealed = current_keys().seal(msgspec.msgpack.encode(answer), table="cache", column="answer", row=name)
    try:
        cache.set(name, sealed, TTL_S)
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("answer_cache_away", error=type(error).__name__)
