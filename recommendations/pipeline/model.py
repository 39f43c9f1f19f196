"""A model may say in which order to do what was chosen, and why. It adds nothing: no action, no number, no address."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from mcp_saas.kit.metrics import note_dropped
from rag.engine.evidence import Evidence, Sentence
from rag.pipeline.rephrase import Asking, rephrase
from recommendations.engine.advice import Advice, Language, Told
from recommendations.engine.deeds import asks_for_else
from recommendations.engine.ranking import is_urgent
from recommendations.pipeline.ask import find_model
from tenants.context import current_tenant
from tenants.selectors import find_plan

DETERMINISTIC = "deterministic"
LLM = "llm"
QUESTIONS: dict[Language, str] = {
    "en": "In which order shall I do these, and why? One sentence for each, the first to do first, each about one"
    " only.",
    "fr": "Dans quel ordre les faire, et pourquoi ? Une phrase pour chacune, la première à faire d'abord, chacune sur"
    " une seule.",
}


class Explained(Struct, frozen=True, kw_only=True):
    """`order`: all of the actions. `dropped`: sentences that were not borne out. `degraded`: a model is set and gave
    nothing.
    """

    order: tuple[Advice, ...]
    explanations: Mapping[UUID, str] = {}
    model: str = DETERMINISTIC
    dropped: int = 0
    is_degraded: bool = False

    @property
    def analysis(self) -> str | None:
        said = [self.explanations[one.id] for one in self.order if one.id in self.explanations]
        return " ".join(said) or None


def explain(actions: Sequence[Advice], told: Mapping[UUID, Told], *, language: Language) -> Explained:
    """For the tenant we are in; without a key, or when the model fails, in the order that was worked out.

    Each sentence must be about one of the actions and stand on its words alone: each number in it occurs there. What
    endangers money stays first, whatever the model says; what it does not speak of keeps its place after the rest.
    """
    access = find_model()
    if access is None or not actions:
        return Explained(order=tuple(actions))
    words = {one.id: _put_in_words(told[one.id]) for one in actions}
    phrasing = rephrase(
        Asking(
            question=QUESTIONS[language],
            evidence=tuple(_describe(one, words[one.id], language=language) for one in actions),
            language=language,
            access=access,
            token_limit=find_plan(current_tenant().id).limits["llm_tokens_per_day"],
        )
    )
    explanations, unfit = _sort_out(phrasing.sentences, {one.id: one for one in actions}, words=words)
    dropped = phrasing.dropped + unfit
    note_dropped(dropped)
    if not explanations:
        return Explained(order=tuple(actions), dropped=dropped, is_degraded=True)
    return Explained(
        order=_reorder(actions, list(explanations)),
        explanations=explanations,
        model=phrasing.model or DETERMINISTIC,
        dropped=dropped,
    )


def _put_in_words(told: Told) -> str:
    return f"{told.action} {told.reason} {told.impact}"


def _describe(advice: Advice, words: str, *, language: Language) -> Evidence:
    return Evidence(id=str(advice.id), kind="fact", text=words, language=language, source="node")


def _sort_out(
    sentences: Sequence[Sentence], actions: Mapping[UUID, Advice], *, words: Mapping[UUID, str]
) -> tuple[dict[UUID, str], int]:
    """The first fit one about each action, and how many are none: about several at once numbers may change places, and
    one may tell to do what the action is not.
    """
    found: dict[UUID, str] = {}
    for sentence in sentences:
        ids = {UUID(citation.id) for citation in sentence.citations}
        about = ids.pop() if len(ids) == 1 else None
        if about is None or about in found:
            continue
        if not asks_for_else(sentence.text, actions[about], own_words=words[about]):
            found[about] = sentence.text
    return found, len(sentences) - len(found)


def _reorder(actions: Sequence[Advice], said: Sequence[UUID]) -> tuple[Advice, ...]:
    places = {advice_id: place for place, advice_id in enumerate(said)}
    return tuple(sorted(actions, key=lambda one: (not is_urgent(one), places.get(one.id, len(places)))))
