"""A decision's sentence in the reader's language: English is stored, French is told of the same facts."""

import re
from typing import Literal

from nodes.engine.cycle import ChannelInput
from nodes.engine.language import french
from nodes.engine.language.facts import gather_facts
from nodes.engine.language.quoted import quote_rule
from nodes.engine.language.terms import tell_terms
from nodes.engine.reason import AIMS
from nodes.engine.report import ChannelPolicy
from nodes.engine.types import ChannelDecision

Language = Literal["en", "fr"]
_ASKED = re.compile(r", which asks for (?P<ppm>\d+) ppm, (?P<lead>so|but) ")
_MISSED = re.compile(r", not to (?P<ppm>\d+) ppm")
LANGUAGES: tuple[Language, ...] = ("en", "fr")


def tell_decision(given: ChannelInput, outcome: ChannelDecision, *, language: Language) -> str:
    """Why the fee is what it is, in one sentence."""
    return outcome.reason if language == "en" else _tell_in_french(given, outcome)


def _tell_in_french(given: ChannelInput, outcome: ChannelDecision) -> str:
    present = given.channel.own_policy
    if outcome.rule.startswith("kept/") or present is None or outcome.proposed_policy is None:
        return french.BARS.get(
            outcome.held_by or "", f"Rien ne change : {_tell_hold(outcome.held_by or outcome.rule)}."
        )
    changes = _tell_changes(present, outcome.proposed_policy, outcome=outcome)
    stays = f"les frais restent à {present.fee_rate_ppm} ppm"
    if present.disabled and outcome.proposed_policy.disabled:
        changes = [*(changes or [stays]), "le canal reste désactivé"]
    held = f" ; {_tell_hold(outcome.held_by)}" if outcome.held_by else ""
    leads = _tell_lead(outcome.reason)
    told = f"{_tell_rule(given, outcome)}, {leads} {' et '.join(changes) or stays}{held}"
    return f"{told}{tell_terms(outcome.reason)}."


def _tell_lead(reason: str) -> str:
    """The rate asked for, as the stored sentence names it, and whether what follows is its consequence."""
    asked = _ASKED.search(reason)
    if asked is None:
        return "donc"
    return f"ce qui demande {asked['ppm']} ppm, {'mais' if asked['lead'] == 'but' else 'donc'}"


def _tell_rule(given: ChannelInput, outcome: ChannelDecision) -> str:
    """A branch without words of its own is told by its strategy's."""
    before, inner = ("", outcome.rule)
    while inner.startswith("time_of_day/"):
        before, inner = french.TIME_OF_DAY, inner.removeprefix("time_of_day/")
    if quoted := quote_rule(inner, outcome.reason):
        return before + quoted
    words = french.RULES.get(inner) or french.RULES.get(inner.split("/")[0])
    if words is None:
        return before + french.UNKNOWN_RULE.format(rule=inner)
    return before + words.format(**gather_facts(given))


def _tell_hold(held_by: str) -> str:
    return french.GUARDS.get(held_by) or french.UNKNOWN_GUARD.format(held_by=held_by)


def _tell_changes(present: ChannelPolicy, proposed: ChannelPolicy, *, outcome: ChannelDecision) -> list[str]:
    changes = []
    old_ppm, new_ppm = present.fee_rate_ppm, proposed.fee_rate_ppm
    if new_ppm != old_ppm:
        moved = f"les frais {'montent' if new_ppm > old_ppm else 'baissent'} de {old_ppm} à {new_ppm} ppm"
        missed = _MISSED.search(outcome.reason)
        changes.append(moved + _tell_aim(outcome) + (f", et non à {missed['ppm']} ppm" if missed else ""))
    return [*changes, *_tell_other_changes(present, proposed)]


def _tell_aim(outcome: ChannelDecision) -> str:
    """Only what the stored sentence says as well."""
    _, aim = AIMS.get(outcome.rule, ("keep", ""))
    return f" {french.AIMS[outcome.rule]}" if aim and aim in outcome.reason else ""


def _tell_other_changes(present: ChannelPolicy, proposed: ChannelPolicy) -> list[str]:
    """All but the outgoing fee rate."""
    changes = []
    for name, words in french.FIELDS.items():
        old, new = getattr(present, name), getattr(proposed, name)
        if old != new:
            changes.append(words.format(old=old, new=new))
    if proposed.disabled != present.disabled:
        changes.append("le canal est désactivé" if proposed.disabled else "le canal est réactivé")
    return changes
