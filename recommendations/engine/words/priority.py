"""What is said beside the advice itself: how hard it is, when, why something was left out, and what to watch."""

from typing import Literal

from msgspec import Struct

from recommendations.engine.advice import Advice, Language, Level, Priority, Told
from recommendations.engine.performance import PerformanceMetrics
from recommendations.engine.priority import Passed
from recommendations.engine.ranking import is_urgent
from recommendations.engine.words.number import show
from recommendations.engine.words.tell import tell

Difficulty = Literal["easy", "medium", "hard"]
Timeframe = Literal["immediate", "1-2 weeks", "1 month"]
EASY_MINUTES, MEDIUM_MINUTES = 5, 15
TIMEFRAMES: dict[Priority, Timeframe] = {
    Priority.HIGH: "immediate",
    Priority.MEDIUM: "1-2 weeks",
    Priority.LOW: "1 month",
}


class PriorityWords(Struct, frozen=True, kw_only=True):
    begin: str
    end: str
    passed: dict[Passed, str]
    no_data: str
    channels: str
    earned: str
    roi: str


WORDS: dict[Language, PriorityWords] = {
    "en": PriorityWords(
        begin="Sign in to the machine of your node and open a terminal: the command is typed there.",
        end="If anything looks other than described, stop there and ask: nothing of this has to be done today.",
        passed={
            Passed.BUDGET: "it costs more than what is left of the budget",
            Passed.NO_PRICE: "what it costs is not known, so it may exceed the budget",
            Passed.NO_GAIN: "it is not expected to bring more than it costs",
            Passed.CONFLICT: "it cannot be done beside another action here, or would bring the same gain once more",
            Passed.NEEDS_OPENINGS: "the openings it is about are not among the actions",
            Passed.GOAL: "it serves none of the goals, and there is no room left",
            Passed.NO_DATA: "there is no data to put a number on it, and there is no room left",
            Passed.MAX_ACTIONS: "others bring more, and there is no room left",
        },
        no_data="no data",
        channels="{count} channels with {capacity} sat, {local} of them on your side",
        earned="Earned in the {days} days known: {earned} sat with {forwards} payments",
        roi="A year of such days: {roi} % of the capacity",
    ),
    "fr": PriorityWords(
        begin="Se connecter à la machine de votre nœud et ouvrir un terminal : la commande s'y tape.",
        end="Si quelque chose est autre que décrit, s'arrêter là et demander : rien de cela ne presse aujourd'hui.",
        passed={
            Passed.BUDGET: "cela coûte plus que ce qui reste du budget",
            Passed.NO_PRICE: "le coût n'est pas connu, il pourrait dépasser le budget",
            Passed.NO_GAIN: "on n'en attend pas plus que ce que cela coûte",
            Passed.CONFLICT: "une autre action d'ici l'exclut, ou rapporte déjà la même chose",
            Passed.NEEDS_OPENINGS: "les ouvertures dont il s'agit ne sont pas parmi les actions",
            Passed.GOAL: "cela ne sert aucun des objectifs, et il n'y a plus de place",
            Passed.NO_DATA: "il n'y a pas de données pour le chiffrer, et il n'y a plus de place",
            Passed.MAX_ACTIONS: "d'autres rapportent plus, et il n'y a plus de place",
        },
        no_data="pas de données",
        channels="{count} canaux avec {capacity} sat, dont {local} de votre côté",
        earned="Gagné dans les {days} jours connus : {earned} sat avec {forwards} paiements",
        roi="Une année de tels jours : {roi} % de la capacité",
    ),
}


def tell_action(advice: Advice, language: Language, *, level: Level) -> Told:
    """As `tell`, with where to begin and when to stop for a beginner. What is approved is not typed."""
    told, words = tell(advice, language, level=level), WORDS[language]
    if level != "beginner":
        return told
    begin = (words.begin,) if advice.command and advice.action_id is None else ()
    end = () if is_urgent(advice) else (words.end,)
    return Told(action=told.action, reason=told.reason, impact=told.impact, steps=(*begin, *told.steps, *end))


def rate_difficulty(advice: Advice) -> Difficulty:
    """By the minutes it takes."""
    if advice.effort <= EASY_MINUTES:
        return "easy"
    return "medium" if advice.effort <= MEDIUM_MINUTES else "hard"


def choose_timeframe(advice: Advice) -> Timeframe:
    return TIMEFRAMES[advice.priority]


def tell_passed(reason: Passed, language: Language) -> str:
    return WORDS[language].passed[reason]


def tell_metrics(metrics: PerformanceMetrics, channel_count: int, *, days: int, language: Language) -> list[str]:
    """What to look at before and after. What is not known is said to be so."""
    words = WORDS[language]

    def say(value: float | None) -> str:
        return words.no_data if value is None else show(value, language)

    return [
        words.channels.format(
            count=say(channel_count), capacity=say(metrics.total_capacity), local=say(metrics.local_balance)
        ),
        words.earned.format(days=days, earned=say(metrics.fees_earned), forwards=say(metrics.forwards_count)),
        words.roi.format(roi=say(metrics.current_roi_percentage)),
    ]
