"""A question of an owner: records of the own node and passages of the library, put together and answered."""

import datetime as dt
from functools import partial

from django.conf import settings
from django.utils import timezone

from mcp_saas.kit.crypto import SealError
from nodes.engine.credential import Service
from nodes.selectors.credential import read_credential
from rag.engine.evidence import Language
from rag.engine.foreign import is_understood
from rag.engine.intent.name import drop_names
from rag.engine.intent.read import read_intent
from rag.engine.intent.value import Intent, Topic
from rag.engine.language import detect_language
from rag.engine.wording import NOT_UNDERSTOOD, SUBJECTS, list_library_help
from rag.pipeline.answer import Composed, Gathered, compose, gather
from rag.pipeline.knowledge import search_knowledge
from rag.pipeline.passages import Found, find_passages
from rag.sources.openai.connect import ModelAccess
from recommendations.engine.lead_words import list_own_help
from recommendations.pipeline.facts.asked import know, list_known
from recommendations.pipeline.facts.gather import gather_facts
from recommendations.pipeline.lead import find_lead
from tenants.context import current_tenant
from tenants.selectors import find_plan

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4.1-mini"  # of OpenAI itself, where the settings name a model of another server

EXPLAINED: frozenset[Topic] = frozenset({"why_fee", "unchanged", "held", "score", "mode"})


def gather_evidence(question: str, language: Language | None = None, *, now: dt.datetime | None = None) -> Gathered:
    """For the tenant we are in: facts where the question is about the node, else passages.

    `now`: null: the clock's. Without a store of vectors facts still come, with `degraded: ["rag"]`.
    """
    if not is_understood(question):
        return _say_not_understood(question, language or "en")
    spoken = language or detect_language(question)
    now = now or timezone.now()
    channels = list_known()
    known = know(channels)
    intent = read_intent(question, known, now=now)
    facts = gather_facts(intent, channels, language=spoken, now=now) if _has_facts(intent) else []
    question = question if intent.is_own else drop_names(question, known)
    found = find_passages(question, partial(search_knowledge, language=spoken)) if _wants_passages(intent) else Found()
    return gather(
        question,
        facts,
        found=found,
        language=spoken,
        lead=find_lead(intent, facts, channels=known, language=spoken),
        would_help=list_own_help(intent, spoken) if intent.is_own else list_library_help(spoken, found.nearest),
    )


def _say_not_understood(question: str, language: Language) -> Gathered:
    return Gathered(
        question=question, language=language, lead=NOT_UNDERSTOOD[language], would_help=(SUBJECTS[language],)
    )


def _has_facts(intent: Intent) -> bool:
    return intent.gap is None and (bool(intent.channels) or not intent.unknown)


def _wants_passages(intent: Intent) -> bool:
    """Also of a record, where the library explains what it means."""
    return not intent.is_own or (_has_facts(intent) and intent.topics[0] in EXPLAINED)


def compose_answer(gathered: Gathered) -> Composed:
    """For the tenant we are in; no database is read while a model is waited for."""
    return compose(gathered, find_model(), token_limit=find_plan(current_tenant().id).limits["llm_tokens_per_day"])


def find_model() -> ModelAccess | None:
    """With the box's own key where its owner has set one, else with the operator's; None without either.

    The owner's key goes to OpenAI itself, unless the credential names OPENAI_BASE_URL.
    """
    env = settings.ENV
    try:
        own = read_credential(Service.OPENAI)
    except SealError:
        own = None
    operators = env.openai_api_key.get_secret_value() if env.openai_api_key else None
    key, base_url = (own.secret, own.url or OPENAI_URL) if own else (operators, env.openai_base_url)
    if key is None:
        return None
    return ModelAccess(
        api_key=key,
        base_url=base_url,
        model=env.openai_model if base_url == env.openai_base_url else OPENAI_MODEL,
        timeout_s=env.openai_timeout_s,
        budget_s=env.openai_budget_s,
    )
