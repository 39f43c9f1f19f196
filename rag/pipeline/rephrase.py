"""A model puts chosen evidence into words, when it may, can and does so truly; else nothing is lost but its words."""

import time
from typing import Literal, NamedTuple
from uuid import UUID

import structlog
from django.utils import timezone
from msgspec import Struct
from redis.exceptions import RedisError

from mcp_saas.api.outside import note_outcome
from mcp_saas.kit.breaker import Breaker, Breakers
from mcp_saas.kit.gate import Gate
from rag.engine.citation import verify
from rag.engine.evidence import Evidence, Language, Sentence
from rag.engine.prompt import Prompt, build_prompt, read_draft
from rag.engine.spend import estimate_call
from rag.pipeline.answer_cache import KeptAnswer, find_answer, keep_answer, name_answer
from rag.pipeline.budget import Reserved, reserve_tokens, settle_tokens
from rag.sources.openai.answers import Draft, draft_answer
from rag.sources.openai.connect import ModelAccess
from rag.sources.openai.errors import ModelError
from tenants.context import current_tenant

log = structlog.get_logger(__name__)
Lack = Literal["model", "model_busy", "budget", "cache", "verification"]
LOST_S = 30.0  # of waiting for nothing, in a row
MOST_OVERRUN = 2  # times what a call was estimated at
gate: Gate[UUID] = Gate(places=2, each=1)  # a web process has four threads, and there are other routes
# By address and key: one owner's bad key opens no other's.
breakers: Breakers[tuple[str, str]] = Breakers(lambda: Breaker(lost_s=LOST_S))


class Phrasing(NamedTuple):
    """Either verified sentences and who wrote them, or what was missing. `dropped`: sentences not borne out."""

    sentences: tuple[Sentence, ...] = ()
    model: str | None = None
    lack: Lack | None = None
    dropped: int = 0


class Asking(Struct, frozen=True, kw_only=True):
    question: str
    evidence: tuple[Evidence, ...]
    language: Language
    access: ModelAccess
    token_limit: int  # a day


def rephrase(asking: Asking) -> Phrasing:
    """For the tenant we are in, within the budget of time and tokens; it never raises for what a model does.

    1. the same question on the same evidence is answered from the cache
    2. a model that failed five times in a row is left alone for half a minute
    3. where others wait for one already, nobody joins them
    4. tokens are reserved, at most what the call can cost
    5. the model is asked
    6. what was reserved is settled with what was used
    7. each sentence is verified; what is not borne out goes
    """
    name = name_answer(asking.question, asking.evidence, model=_name_model(asking.access), language=asking.language)
    kept = find_answer(name)
    if kept is not None:
        return Phrasing(kept.sentences, kept.model)
    breaker = breakers.find((asking.access.base_url, asking.access.api_key))
    if breaker.is_open:
        return Phrasing(lack="model_busy")
    with gate.enter(current_tenant().id) as is_in:
        return _ask(asking, breaker, name=name) if is_in else Phrasing(lack="model_busy")


def _ask(asking: Asking, breaker: Breaker, *, name: str) -> Phrasing:
    prompt = build_prompt(asking.question, asking.evidence, language=asking.language)
    reserved = _reserve(asking, prompt)
    if not isinstance(reserved, Reserved):
        return Phrasing(lack=reserved)
    if not breaker.allow():
        _settle(reserved, 0)
        return Phrasing(lack="model_busy")
    draft = _draft(asking, prompt, breaker=breaker, reserved=reserved)
    return Phrasing(lack="model") if draft is None else _check(asking, prompt, draft=draft, name=name)


def _draft(asking: Asking, prompt: Prompt, *, breaker: Breaker, reserved: Reserved) -> Draft | None:
    """Whatever happens, the breaker is told and what was reserved is settled."""
    used, began_at_s = reserved.tokens, time.monotonic()
    try:
        draft = draft_answer(asking.access, prompt.system, user=prompt.user)
        breaker.note_success()
        note_outcome("openai", "answered", is_up=True)
        used = _bill(draft.tokens, reserved)
    except ModelError as error:
        _note_failure(error, breaker, took_s=time.monotonic() - began_at_s)
        used = reserved.tokens if error.may_have_cost else 0
        return None
    except Exception:
        log.exception("model_failed_by_us")
        breaker.note_failure(time.monotonic() - began_at_s)
        return None
    finally:
        _settle(reserved, used)
    return draft


def _bill(told: int | None, reserved: Reserved) -> int:
    """What the other side says was used, within reason: it cannot take all there are."""
    return reserved.tokens if told is None else min(told, MOST_OVERRUN * reserved.tokens)


def _name_model(access: ModelAccess) -> str:
    return f"{access.base_url} {access.model}"


def _reserve(asking: Asking, prompt: Prompt) -> Reserved | Lack:
    tokens = estimate_call(prompt.system, prompt.user)
    try:
        reserved = reserve_tokens(current_tenant().id, tokens, limit=asking.token_limit, now=timezone.now())
    except RedisError:
        return "cache"
    return reserved or "budget"


def _settle(reserved: Reserved, used: int) -> None:
    try:
        settle_tokens(reserved, used)
    except RedisError as error:
        log.warning("tokens_not_settled", error=type(error).__name__)


def _note_failure(error: ModelError, breaker: Breaker, *, took_s: float) -> None:
    """Nothing of question, evidence or answer is logged."""
    log.warning("model_failed", fault=error.fault, detail=str(error), request_id=error.request_id)
    if error.is_passing:
        breaker.note_failure(took_s)
    else:
        breaker.note_success()
    note_outcome("openai", error.fault, is_up=not error.is_passing)


def _check(asking: Asking, prompt: Prompt, *, draft: Draft, name: str) -> Phrasing:
    known = {one.id: one for one in asking.evidence}
    drafted = read_draft(draft.sentences, prompt)
    verified = verify(drafted, known, language=asking.language, private=prompt.system)
    if verified.faults:
        log.info("sentences_dropped", faults=list(verified.faults), kept=len(verified.sentences))
    if not verified.sentences:
        return Phrasing(lack="verification", dropped=len(verified.faults))
    if not verified.faults:
        keep_answer(name, KeptAnswer(verified.sentences, draft.model))
    return Phrasing(verified.sentences, draft.model, dropped=len(verified.faults))
