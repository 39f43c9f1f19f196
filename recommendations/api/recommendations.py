"""What should I do with my node: recommendations, with the owner's word on each and what came of those done."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar, get_args

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from msgspec.structs import replace
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.api.etag import tag_of
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.kit.errors import Problem
from nodes.api.advice import AdviceView, reading
from recommendations.api.advice_contract import (
    FollowUpList,
    FollowUpView,
    LeftOutView,
    RecommendationList,
    RecommendationView,
)
from recommendations.engine.advice import Advice, Category, Language, Level, Priority
from recommendations.engine.expected import add_up
from recommendations.engine.words.tell import tell_left_out
from recommendations.pipeline.follow_up import list_follow_ups
from recommendations.pipeline.recommend import Recommended, recommend
from recommendations.selectors.advice import find_verdicts

Choice = TypeVar("Choice", bound=str)
Name = TypeVar("Name", bound=StrEnum)
LEVELS: tuple[Level, ...] = get_args(Level)
LEVEL: Level = "intermediate"  # unless another is asked for


def choice(name: str, values: Sequence[str], *, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", "enum": list(values)}, description=description)


FILTERS = [
    choice("category", list(Category), description="only this category"),
    choice("priority", list(Priority), description="only this priority"),
    choice("level", LEVELS, description="for whom it is told; intermediate unless given"),
    choice("use_cache", ("true", "false"), description="false: worked out anew, whatever is kept"),
]


class RecommendationsView(AdviceView):
    @reading(
        "list_recommendations",
        summary="What to do with the node, the first to do first",
        answers={200: RecommendationList},
        parameters=[*FILTERS, LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Fees, rebalances, channels to open and to close, liquidity, reliability, costs and backups, each with what it
        is expected to bring, what it costs, how good the data is, what it stands on, and the exact command where there
        is one. What endangers money comes first, then expected net sats a day for each minute of work; what nobody can
        put a number on comes last and says why. What rules each other out says so in `conflicts_with`, and `expected`
        counts no gain twice. Nothing is invented: null is no data. Sentences are in French for
        `Accept-Language: fr`. In `degraded`, `rag` says that passages of the library are missing,
        `sparkseer` that its suggestions are missing or old, `rebalances` that what the node paid to itself is known in
        part alone and not counted, `cache` that nothing was kept. The ETag is of what is
        advised, not of `as_of` and `cache_hit`.
        """
        language = choose_language(request)
        wanted = _Wanted(request)
        found = recommend(language, use_cache=wanted.use_cache)
        listed = [one for one in found.advice if wanted.fits(one)]
        body = describe_list(pubkey, found, listed=listed, language=language, level=wanted.level)
        return answer_list(body, language)


def answer_list(body: RecommendationList, language: Language) -> HttpResponse:
    """The tag is of what is advised: not of when, nor of who asked first."""
    told = answer(body)
    told["ETag"] = tag_of(answer(replace(body, as_of=None, cache_hit=False)))
    return name_language(told, language)


class FollowUpsView(AdviceView):
    @reading(
        "list_follow_ups",
        summary="What was done, and what it brought",
        answers={200: FollowUpList},
        parameters=[LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Changes of fees that a snapshot confirmed and advice the owner called done, of the last 60 days: what each
        was expected to bring, and what its channels earned a day over up to 14 days before and as many after.
        """
        language = choose_language(request)
        shown = [FollowUpView.describe(one, language) for one in list_follow_ups(timezone.now())]
        return name_language(answer(FollowUpList(shown)), language)


def describe_list(
    pubkey: str, found: Recommended, *, listed: Sequence[Advice], language: Language, level: Level
) -> RecommendationList:
    verdicts = find_verdicts({one.id for one in listed} & found.judged)
    return RecommendationList(
        pubkey=pubkey,
        recommendations=[
            RecommendationView.describe(
                one,
                language,
                level=level,
                feedback=verdicts.get(one.id),
                conflicts=found.conflicts.get(one.id, ()),
            )
            for one in listed
        ],
        total_count=len(listed),
        by_category=_count(Category, [one.category for one in listed]),
        by_priority=_count(Priority, [one.priority for one in listed]),
        expected=add_up(listed, found.conflicts),
        left_out=[
            LeftOutView(type=one.kind, reason=tell_left_out(one, language), count=one.count) for one in found.left_out
        ],
        degraded=list(found.degraded),
        as_of=found.as_of,
        cache_hit=found.cache_hit,
    )


class _Wanted:
    """What the query asks for. Raises Problem 400."""

    def __init__(self, request: Request) -> None:
        self.category = _read(request, "category", values=list(Category))
        self.priority = _read(request, "priority", values=list(Priority))
        self.level: Level = _read(request, "level", values=LEVELS) or LEVEL
        self.use_cache = _read(request, "use_cache", values=("true", "false")) != "false"

    def fits(self, advice: Advice) -> bool:
        return self.category in {None, advice.category} and self.priority in {None, advice.priority}


def _read(request: Request, name: str, *, values: Sequence[Choice]) -> Choice | None:
    given = request.GET.get(name)
    if given is None:
        return None
    found = next((value for value in values if value == given), None)
    if found is None:
        raise Problem(400, "bad-filter", "Bad filter", detail=f"{name} is one of {', '.join(values)}")
    return found


def _count(names: type[Name], given: Sequence[Name]) -> dict[Name, int]:
    """Of each name, those nobody has included."""
    counted = Counter(given)
    return {name: counted[name] for name in names}
