"""Sentences whose numbers no input of the channel holds: of a peer's memory, of the node, of a tried price.

They stand in the English sentence that is stored with the decision, and are quoted from it, not worked out again. Each
rule has pairs of an English clause and a French one; `{...}` is a number. Words that an engine of another version chose
fit no pair: then the plain words of `french.py` are told.
"""

import re
from functools import cache
from typing import NamedTuple


class Quote(NamedTuple):
    """One clause in both languages, with the same names of numbers."""

    english: str
    french: str


_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_PID = (
    "balance with this peer is off its target by {error}: a spread of {spread} ppm%s and the node's margin of {margin} "
    "ppm make {rate}, so {price} whole ppm"
)
_PID_FRENCH = (
    "le solde avec ce pair s'écarte de sa cible de {error} : un écart de {spread} ppm%s et la marge du nœud de "
    "{margin} ppm font {rate}, donc {price} ppm entiers"
)
_OWN_PART = (("", ""), (", the peer's own part of {own} ppm", ", la part propre au pair de {own} ppm"))
_DAYS = (("days", "jours"), ("day", "jour"))
_FIRST_SIGHT = ", at first sight {half} ppm halve the demand, "
_FIRST_SIGHT_FRENCH = ", à première vue {half} ppm divisent la demande par deux, "
_LEARNED = (
    (
        "{paid} payments left by it in {days} days with balance to sell",
        "{paid} paiements en sont sortis en {days} jours où il restait du solde à vendre",
    ),
    (
        "No whole day with balance to sell at one fee has been learned from yet",
        "Aucun jour entier avec du solde à vendre au même prix n'a encore rien appris",
    ),
)
_SELLING = (
    ("a sat sold costs {cost} ppm to have again", "un sat vendu coûte {cost} ppm à retrouver"),
    ("a sat sold makes room worth {cost} ppm", "un sat vendu fait une place qui vaut {cost} ppm"),
)
_BEST = (", and {level} ppm are expected to earn most", " et {level} ppm devraient rapporter le plus")
_INCOME = (
    (" ({after} sat a day, {before} at the present fee)", " ({after} sat par jour, {before} aux frais actuels)"),
    ("", ""),
)
_MARGINAL = tuple(
    Quote(
        learned[0] + _FIRST_SIGHT + selling[0] + _BEST[0] + income[0],
        learned[1] + _FIRST_SIGHT_FRENCH + selling[1] + _BEST[1] + income[1],
    )
    for learned in _LEARNED
    for income in _INCOME
    for selling in _SELLING
)
QUOTES: dict[str, tuple[Quote, ...]] = {
    "clboss": (
        Quote(
            english="Others charge {median} ppm towards this peer in the median, times {balance} for our balance, "
            "{size} for our size, {price} for the price being tried",
            french="Les autres demandent {median} ppm vers ce pair en médiane, fois {balance} pour notre solde, "
            "{size} pour notre taille, {price} pour le prix à l'essai",
        ),
    ),
    **dict.fromkeys(
        ("pid", "pid/gate"),
        tuple(Quote(f"The {_PID % own}", f"L{_PID_FRENCH[1:] % part}") for own, part in _OWN_PART),
    ),
    "pid/recalibrated": tuple(
        Quote(
            english=f"Somebody else set the fee, so the controller starts from it; the {_PID % own}",
            french=f"Quelqu'un d'autre a fixé les frais, le régulateur repart de là ; {_PID_FRENCH % part}",
        )
        for own, part in _OWN_PART
    ),
    "lndmanage/demand": (
        Quote(
            english="{out} sat in {count} payments left by this peer in {days} days and {local} of {capacity} sat are "
            "ours: {factor} times the mean rate",
            french="{out} sat en {count} paiements sont sortis vers ce pair en {days} jours et {local} sat sur "
            "{capacity} sont à nous : {factor} fois le taux moyen",
        ),
    ),
    "flow/low/steady": (
        Quote(
            english="{share} % of the capacity with this peer is ours and {failed} payments failed for want of it in a "
            "day (more than {most}, with none coming in, would raise the fee)",
            french="{share} % de la capacité avec ce pair est à nous et {failed} paiements ont échoué faute de solde "
            "en un jour (plus de {most}, sans qu'aucun n'entre, feraient monter les frais)",
        ),
    ),
    "flow/middle/draining": tuple(
        Quote(
            english=f"{{share}} % of the capacity with this peer is ours and in {{days}} {days} {{times}} times the "
            "capacity flowed out on balance",
            french=f"{{share}} % de la capacité avec ce pair est à nous et il en est sorti, en {{days}} {jours}, "
            "{times} fois la capacité, entrées déduites",
        )
        for days, jours in _DAYS
    ),
    "flow/excess/assisting": tuple(
        Quote(
            english=f"{{share}} % of the capacity with this peer is ours, in {{days}} {days} more came in from it than "
            "went out to it, and what came in earned {assist} sat against {revenue} sat of what went out",
            french=f"{{share}} % de la capacité avec ce pair est à nous, en {{days}} {jours} il en est entré plus "
            "qu'il n'en est sorti, et ce qui est entré a rapporté {assist} sat contre {revenue} sat pour ce qui est "
            "sorti",
        )
        for days, jours in _DAYS
    ),
    "onchain_fee": (Quote("On chain {rate} sat a vbyte are asked", "On-chain, {rate} sat par vbyte sont demandés"),),
    "onchain_fee/no-data": (
        Quote(
            english="On chain {rate} sat a vbyte are asked, below what nodes pass on",
            french="On-chain, {rate} sat par vbyte sont demandés, moins que ce que les nœuds relaient",
        ),
    ),
    "cost": (Quote("Opening the channel cost us {cost} sat", "L'ouverture du canal nous a coûté {cost} sat"),),
    "fee_adjuster": (
        Quote(
            english="Others charge {median} ppm towards this peer in the median; adjusted by {adjustment}%, {trend}% "
            "for the trend and {group}% for the group",
            french="Les autres demandent {median} ppm vers ce pair en médiane ; ajustés de {adjustment} %, {trend} % "
            "pour la tendance et {group} % pour le groupe",
        ),
    ),
    "brln/loss": (
        Quote(
            english="It sold at {earned} ppm, below {cost} ppm of cost, others charge {mean} ppm",
            french="Il a vendu à {earned} ppm, sous son coût de {cost} ppm, les autres demandent {mean} ppm",
        ),
    ),
    "daily/away": (Quote("The peer was there {share} % of the time", "Le pair a été là {share} % du temps"),),
    **dict.fromkeys(("marginal/best", "marginal/raise", "marginal/cut"), _MARGINAL),
}


def quote_rule(rule: str, reason: str) -> str | None:
    """The French clause of this rule with the numbers of the English `reason`; None: no pair fits."""
    for english, french in QUOTES.get(rule, ()):
        if found := _compile_clause(english).search(reason):
            return french.format(**found.groupdict())
    return None


@cache
def _compile_clause(english: str) -> re.Pattern[str]:
    words = re.split(r"\{(\w+)\}", english)  # text, name, text, name ... text
    pieces = (f"(?P<{word}>{_NUMBER})" if place % 2 else re.escape(word) for place, word in enumerate(words))
    return re.compile("".join(pieces))
