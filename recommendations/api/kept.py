"""Reads whose kept answers are given before Django is asked (`tenants.api.kept`)."""

from typing import ClassVar, Final

from django.http import HttpResponse

from mcp_saas.api.body import JSON
from mcp_saas.api.language import Language, name_language, prefer_language
from mcp_saas.kit.gcra import Toll
from recommendations.api.info import InfoView, answer_info
from recommendations.api.recommendations import LEVEL, RecommendationsView, answer_list, describe_list
from recommendations.pipeline.info import InfoText, take_info
from recommendations.pipeline.recommend import take_recommended
from tenants.api.kept import Application, KeptReads, Told
from tenants.api.view import NodeView
from tenants.context import current_tenant

_HISTORICAL: Final = {"": False, "include_historical=false": False, "include_historical=true": True}


class KeptInfo:
    view: ClassVar[type[NodeView]] = InfoView

    def choose(self, query: str, languages: str) -> bool | None:
        """With or without the last thirty days."""
        return _HISTORICAL.get(query)

    def take(self, choice: bool, toll: Toll) -> Told | None:  # noqa: FBT001 - the choice made above
        taken = take_info(toll, include_historical=choice)
        if taken is None:
            return None
        text, verdict = taken
        return Told(text.body, text.tag, verdict)

    def dress(self, choice: bool) -> HttpResponse:  # noqa: FBT001
        return answer_info(InfoText(b"", '""'))


class KeptRecommendations:
    """All of them, at the level that is told unless another is asked for. What is kept is in no language."""

    view: ClassVar[type[NodeView]] = RecommendationsView

    def choose(self, query: str, languages: str) -> Language | None:
        return None if query else prefer_language(languages)

    def take(self, choice: Language, toll: Toll) -> Told | None:
        taken = take_recommended(choice, toll)
        if taken is None:
            return None
        found, verdict = taken
        body = describe_list(current_tenant().pubkey, found, listed=found.advice, language=choice, level=LEVEL)
        told = answer_list(body, choice)
        return Told(told.content, told["ETag"], verdict)

    def dress(self, choice: Language) -> HttpResponse:
        return name_language(HttpResponse(content_type=JSON), choice)


def put_before(django: Application) -> KeptReads:
    return KeptReads(django, {"info": KeptInfo(), "recommendations": KeptRecommendations()})
