"""When our side of a channel will be empty, as a sentence; or why nobody can say."""

from recommendations.engine.advice import Language
from recommendations.engine.outlook import Outlook, WhyUnsaid
from recommendations.engine.words.number import show

_TOLD: dict[Language, str] = {
    "en": "The forecast of {at} UTC: empty on our side in {mean} days, between {low} and {high}, by the flow of the"
    " next {horizon} days.",
    "fr": "La prévision du {at} UTC : vide de notre côté dans {mean} jours, entre {low} et {high}, d'après le flux des"
    " {horizon} prochains jours.",
}
_OPEN: dict[Language, str] = {
    "en": "The forecast of {at} UTC: empty on our side in {mean} days, in {low} at the earliest and perhaps never, by"
    " the flow of the next {horizon} days.",
    "fr": "La prévision du {at} UTC : vide de notre côté dans {mean} jours, dans {low} au plus tôt et peut-être jamais,"
    " d'après le flux des {horizon} prochains jours.",
}
_UNSAID: dict[Language, str] = {
    "en": "Forecast of when it is empty: no data, {why}.",
    "fr": "Prévision du moment où il sera vide : pas de données, {why}.",
}
WHY: dict[Language, dict[WhyUnsaid, str]] = {
    "en": {
        "no_forecast": "none was made in the last three days",
        "history": "the days known of its payments are too few",
        "steady": "it drains to neither side",
        "far": "it is more than a year off",
        "other_side": "it is the peer's side that drains",
    },
    "fr": {
        "no_forecast": "aucune n'a été faite ces trois derniers jours",
        "history": "trop peu de jours de ses paiements sont connus",
        "steady": "il ne se vide d'aucun côté",
        "far": "c'est dans plus d'un an",
        "other_side": "c'est le côté du pair qui se vide",
    },
}


def tell_outlook(outlook: Outlook, language: Language) -> str:
    """The interval holds in 80 % of such forecasts or more."""
    days = outlook.days
    if days is None:
        return _UNSAID[language].format(why=WHY[language][outlook.why_none or "no_forecast"])
    named = {
        "at": outlook.as_of,
        "mean": days.mean,
        "low": days.low,
        "high": days.high,
        "horizon": outlook.horizon_days,
    }
    words = _OPEN if days.high is None else _TOLD
    return words[language].format(**{name: show(value, language) for name, value in named.items()})
