"""An advice in words: what to do, why, what it may bring, and how, for somebody of one level."""

from recommendations.engine.advice import Advice, Estimate, Language, LeftOut, Level, Told
from recommendations.engine.params import FeeChange
from recommendations.engine.words.english import ENGLISH
from recommendations.engine.words.french import FRENCH
from recommendations.engine.words.number import show
from recommendations.engine.words.shape import Words
from recommendations.engine.words.values import Telling, find_values, name_situation

WORDS: dict[Language, Words] = {"en": ENGLISH, "fr": FRENCH}


def tell(advice: Advice, language: Language, *, level: Level = "intermediate") -> Told:
    """A beginner is also told what it is about; an expert gets the command alone, or the first step without one."""
    words = WORDS[language]
    situation = words.situations[name_situation(advice.params)]
    values = {name: show(value, language) for name, value in find_values(Telling(advice, words, language)).items()}
    steps = tuple(step.format(**values) for step in situation.steps)
    reason = _begin(situation.reason.format(**values))
    return Told(
        action=_begin(situation.action.format(**values)),
        reason=f"{reason} {situation.explanation}" if level == "beginner" else reason,
        impact=tell_impact(advice, language),
        steps=((advice.command,) if advice.command else steps[:1]) if level == "expert" else steps,
    )


def tell_impact(advice: Advice, language: Language) -> str:
    """The estimate with its interval, or why there is none."""
    words, estimate = WORDS[language], advice.estimated_impact
    why = words.why_none.get(estimate.why_none or "", "")
    if estimate.mean is None:
        if estimate.low is None or estimate.high is None:
            return words.none.format(why=why)
        return words.bounds.format(low=show(estimate.low, language), high=show(estimate.high, language), why=why)
    is_guessed = isinstance(advice.params, FeeChange) and advice.params.is_extrapolated
    known = words.known.format(
        mean=show(estimate.mean, language),
        low=_bound(estimate.low, language),
        high=_bound(estimate.high, language),
        lasts=_tell_days(estimate, language),
        cost=_tell_cost(advice, language),
    )
    return known + words.extrapolated if is_guessed else known


def tell_left_out(left_out: LeftOut, language: Language) -> str:
    return WORDS[language].left_out[left_out.reason]


def _bound(value: float | None, language: Language) -> str:
    return "?" if value is None else show(value, language)


def _tell_days(estimate: Estimate, language: Language) -> str:
    return "" if estimate.lasts_days is None else WORDS[language].lasts.format(days=show(estimate.lasts_days, language))


def _tell_cost(advice: Advice, language: Language) -> str:
    """Nothing where it costs nothing."""
    words = WORDS[language]
    if advice.cost_sat is None:
        return words.cost_unknown
    return words.cost.format(sat=show(advice.cost_sat, language)) if advice.cost_sat else ""


def _begin(text: str) -> str:
    """As a sentence begins."""
    return text[:1].upper() + text[1:]
