"""What providers of data give a node, what they lack, and when they were asked last."""

import datetime as dt

from django.http import HttpResponse
from msgspec import Struct
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.kit.cache import TTL_S
from nodes.api.advice import AdviceView, reading
from nodes.pipeline.provide import BUDGETS, STALE_S
from nodes.selectors.credential import list_credentials
from nodes.selectors.provided import QUESTIONS, Asked, list_asked
from nodes.sources.provider.protocol import ProviderName
from nodes.sources.provider.reading import Lack


class QuestionView(Struct, frozen=True):
    """`outcome`: `answered`, or the word of what failed; null, as `asked_at`: not in a week, or not with this key."""

    question: str
    asked_at: dt.datetime | None
    outcome: str | None
    lacks: tuple[Lack, ...]


class ProviderView(Struct, frozen=True):
    """`is_configured`: its key is set. An answer is given again for `fresh_s`, and stands in `stands_in_s` more."""

    provider: ProviderName
    is_configured: bool
    fresh_s: int
    stands_in_s: int
    calls_per_hour: int
    questions: list[QuestionView]


class ProviderList(Struct, frozen=True):
    """Every provider there is."""

    items: list[ProviderView]


class ProvidersView(AdviceView):
    @reading(
        "list_providers",
        summary="What providers of data give, and when they were asked",
        answers={200: ProviderList},
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Sparkseer, LNbits and Amboss are asked with the owner's own keys alone (`set_credential`), when something
        needs what they tell. `lacks` names fields that the last answer should have had: `missing`, or `unusable`.
        Asks nobody.
        """
        asked = list_asked()
        keys = {name: row.set_at for name, row in list_credentials().items()}
        return answer(ProviderList([describe_provider(name, keys.get(name), asked=asked) for name in QUESTIONS]))


def describe_provider(
    name: ProviderName, set_at: dt.datetime | None, *, asked: dict[tuple[ProviderName, str], Asked]
) -> ProviderView:
    """What was asked with an earlier key, perhaps of an earlier owner, is not told."""
    last = {question: asked.get((name, question)) for question in QUESTIONS[name]}
    current = {question: one if one and set_at and one.at >= set_at else None for question, one in last.items()}
    return ProviderView(
        provider=name,
        is_configured=set_at is not None,
        fresh_s=TTL_S[name],
        stands_in_s=STALE_S[name],
        calls_per_hour=BUDGETS[name].quota,
        questions=[
            QuestionView(question, one.at, one.outcome, one.lacks) if one else QuestionView(question, None, None, ())
            for question, one in current.items()
        ],
    )
