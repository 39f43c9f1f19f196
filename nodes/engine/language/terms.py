"""The strategy and its parameters, with which an English sentence ends, in French. Names of strategies are the same."""

import re

TAGS = (
    "static", "proportional", "match_peer", "cost", "onchain_fee", "use_config", "ignore", "ignore_fees", "disable",
    "flow", "clboss", "pid", "lndmanage", "brln", "fee_adjuster", "marginal", "daily", "time_of_day",
)  # fmt: skip
_TERMS = re.compile(rf" \(((?:{'|'.join(TAGS)})(?:[,; ][^\n]*)?)\)\.$")
_WORDS = (
    (re.compile(r"^flow, steps of (\d+) ppm"), r"flow, par pas de \1 ppm"),
    (re.compile(r"^clboss, zero base fee: True$"), "clboss, frais de base nuls"),
    (re.compile(r"^clboss, zero base fee: False$"), "clboss, frais de base libres"),
    (re.compile(r"^onchain_fee, (\S+) BTC in (\d+) blocks$"), r"onchain_fee, \1 BTC en \2 blocs"),
    (re.compile(r"^cost, (\S+) times$"), r"cost, \1 fois"),
    (re.compile(r"^time_of_day, no slot$"), "time_of_day, aucune plage"),
    (re.compile(r"^time_of_day, (\S+) to (\S+) ([^\s,]+)"), r"time_of_day, de \1 à \2, \3"),
    (re.compile(r", times (\S+)$"), r", fois \1"),
)


def tell_terms(reason: str) -> str:
    """` (proportional, 50..1000 ppm)`, quoted from the stored English sentence; nothing where it names none."""
    found = _TERMS.search(reason)
    return f" ({' ; '.join(map(_translate, found[1].split('; ')))})" if found else ""


def _translate(terms: str) -> str:
    for english, french in _WORDS:
        terms = english.sub(french, terms)
    return terms
