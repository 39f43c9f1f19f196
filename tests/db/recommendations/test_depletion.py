"""When a channel will be empty is answered from its forecast, in both languages."""

from django.utils import timezone

from nodes.engine.forecast import ChannelForecast, Depletion, Flow, Interval, NodeForecast
from nodes.models.forecast import Forecast
from recommendations.pipeline.ask import gather_evidence
from tenants.context import enter_tenant
from tests.factories import Box

FLOWS = tuple(
    Flow(horizon_days=days, sat_per_day=Interval(10.0, 20.0, 40.0), method="naive", skill=None)
    for days in (1, 7, 14, 30)
)


def keep(*channels: ChannelForecast) -> None:
    now = timezone.now()
    made = NodeForecast(as_of=now, days=90, skills=(), channels=channels)
    Forecast.objects.update_or_create(id=1, defaults={"made_at": now, "content": made})


def make_channel_forecast(number: int, high: float | None, side: str = "local") -> ChannelForecast:
    depletion = Depletion(side=side, days=Interval(5.5, 11.0, high), horizon_days=14)  # type: ignore[arg-type]
    return ChannelForecast(short_channel_id=f"800000x{number}x0", flows=FLOWS, depletion=depletion)


def ask(question: str) -> list[str]:
    return [fact.text for fact in gather_evidence(question).facts]


def test_the_interval_and_the_horizon_are_told(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        keep(make_channel_forecast(1, 22.0), make_channel_forecast(2, None, side="remote"))
        [english] = ask("when will my channel 800000x1x0 be empty?")
        [french] = ask("quand mon canal 800000x1x0 sera-t-il vide ?")
        [other] = ask("when will my channel 800000x2x0 be empty?")
        [all_of_them] = ask("when will my channels be empty?")
    assert "in 11 days, between 5.5 and 22, by the flow of the next 14 days" in english
    assert "dans 11 jours, entre 5,5 et 22, d'après le flux des 14 prochains jours" in french
    assert "no data, it is the peer's side that drains" in other
    assert all_of_them == english
