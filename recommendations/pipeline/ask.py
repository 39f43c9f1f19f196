"""A question of an owner: records of the own node and passages of the library, put together and answered."""

from django.conf import settings

from mcp_saas.kit.crypto import SealError
from nodes.engine.credential import Service
from nodes.selectors.credential import read_credential
from rag.engine.evidence import Language
from rag.engine.intent import read_intent
from rag.engine.language import detect_language
from rag.engine.wording import NO_SUCH_CHANNEL
from rag.pipeline.answer import Composed, Gathered, compose, gather
from rag.pipeline.knowledge import search_knowledge
from rag.pipeline.passages import Found, find_passages
from rag.sources.openai.connect import ModelAccess
from recommendations.pipeline.facts import gather_facts, know, list_known
from tenants.context import current_tenant
from tenants.selectors import find_plan

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4.1-mini"  # of OpenAI itself, where the settings name a model of another server


def gather_evidence(question: str, language: Language | None = None) -> Gathered:
    """For the tenant we are in: facts where the question is about the node, else passages.

    Without a store of vectors facts still come, with `degraded: ["rag"]`.
    """
    spoken = language or detect_language(question)
    channels = list_known()
    intent = read_intent(question, know(channels))
    facts = gather_facts(intent, channels, language=spoken) if intent.is_own and not intent.misses_channel else []
    lead = NO_SUCH_CHANNEL[spoken] if intent.misses_channel else ""
    found = Found() if intent.misses_channel else find_passages(question, search_knowledge)
    return gather(question, facts, found=found, language=spoken, lead=lead)


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
