"""Reads whose kept answers are given before Django is asked (`tenants.api.kept`)."""

from functools import partial
from typing import ClassVar, Final

from django.http import HttpResponse

from mcp_saas.api.body import JSON
from mcp_saas.api.language import Language, name_language, prefer_language
from mcp_saas.kit.gcra import Toll
from recommendations.api.info import InfoView, answer_info
from recommendations.api.recommendations import LEVEL, RecommendationsView, answer_list, describe_list
from recommendations.pipeline.info import InfoText, take_info
from recommendations.pipeline.recommend import Recommended, take_told
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
    """All of them, at the level that is told unless another is asked for."""

    view: ClassVar[type[NodeView]] = RecommendationsView

    def choose(self, query: str, languages: str) -> Language | None:
        return None if query else prefer_language(languages)

    def take(self, choice: Language, toll: Toll) -> Told | None:
        taken = take_told(choice, toll, tell=partial(_tell, choice))
        if taken is None:
            return None
        told, verdict = taken
        tag, _, body = told.partition(b"\n")
        return Told(body, tag.decode(), verdict)

    def dress(self, choice: Language) -> HttpResponse:
        return name_language(HttpResponse(content_type=JSON), choice)


def _tell(language: Language, found: Recommended) -> bytes:
    """The tag, a line by itself, and the answer."""
    body = describe_list(current_tenant().pubkey, found, listed=found.advice, language=language, level=LEVEL)
    told = answer_list(body, language)
    return told["ETag"].encode() + b"\n" + told.content


def put_before(django: Application) -> KeptReads:
    return KeptReads(django, {"info": KeptInfo(), "recommendations": KeptRecommendations()})
