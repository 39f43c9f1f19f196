"""Reads whose kept answers are given before Django is asked (`tenants.api.kept`)."""

from typing import ClassVar, Final

from django.http import HttpResponse

from mcp_saas.kit.gcra import Toll
from recommendations.api.info import InfoView, answer_info
from recommendations.pipeline.info import InfoText, take_info
from tenants.api.kept import Application, KeptReads, Told
from tenants.api.view import NodeView

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


def put_before(django: Application) -> KeptReads:
    return KeptReads(django, {"info": KeptInfo()})
