"""How the channels are expected to flow, and how good such forecasts were so far."""

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from nodes.api.advice import AdviceView, reading
from nodes.api.forecast_contract import ForecastsAnswer, describe_forecast
from nodes.selectors.forecast import read_forecast


class ForecastsView(AdviceView):
    @reading(
        "list_forecasts",
        summary="Flow a day and days until a side is empty",
        answers={200: ForecastsAnswer},
        parameters=[LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Made once a day out of the node's own forwards. A model is used for a horizon where it beat the mean of the
        last 30 days on this node (`skills`); else that mean, with the errors it made as its interval. `held` is how
        often such intervals held what came, at moments of this node's past. What is moved
        otherwise (rebalances, own payments) is not in it.
        """
        language = choose_language(request)
        return name_language(answer(describe_forecast(read_forecast(timezone.now()), language)), language)
