"""What a question asks about the asker's own node, in English or French: such questions are answered from records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from rag.engine.evidence import LANGUAGES
from rag.engine.suspicion import fold
from rag.engine.tokenise import tokenise

Topic = Literal[
    "why_fee", "changes", "unchanged", "held", "state", "depleted", "mode", "earnings", "failures", "rolled_back"
]  # fmt: skip
Direction = Literal["raise", "lower"]
MIN_ALIAS_CHARS = 3
MIN_KEY_CHARS = 8  # hex digits of a public key that somebody types instead of all 66
_SCID = re.compile(r"\b(\d{1,8})[x:](\d{1,8})[x:](\d{1,5})\b")
_KEY = re.compile(rf"\b0[23][0-9a-f]{{{MIN_KEY_CHARS - 2},64}}\b")
_OWN = re.compile(
    r"\b(?:my|mine|our|i|me|we|you|your|mon|ma|mes|nos|notre|je|j|tu|toi|vous|votre|moi|a-t-on)\b|\b(?:today|yesterday"
    r"|last run|aujourd'hui|hier|dernier cycle|this node|ce noeud|which guards?"
    r"|quels? garde-fous?)\b"
)
# Advice is asked for, not a record: the library answers.
_GENERAL = re.compile(
    r"\bhow (?:do|can|could|should|would|does|to)\b|\b(?:should|can|could|may|must) (?:i|we)\b|\bwhat (?:happens"
    r"|if|should|would)\b"
    r"|\bcomment (?:puis|peut|faire|obtenir|[a-z]+er|[a-z]+ir|[a-z]+re)\b|\bcomment (?:se|s'|me) ?[a-z]+er\b"
    r"|\bque (?:se passe|faire|dois|faut)\b"
    r"|\b(?:dois|puis|peut|faut|devrais|pourrais)[- ](?:je|on|il)\b|\bwhat (?:is|are) an?\b|\bqu'est-ce qu'une?\b"
)
_ASKING = (
    r"(?:what|which|did|has|have|any(?:thing)?|how many|qu'est-ce qui|quelles?|quels?|qu'a|combien|y a-t-il"
    r"|a-t-il|est-ce que"
    r"|show|list|montre|liste)"
)
_ALWAYS_OWN: frozenset[Topic] = frozenset({"unchanged"})
_FEE = r"(?:fees?|rates?|frais|taux|prix|prices?|ppm)"
_WHY = r"(?:why|how come|for what reason|what made|reason|pourquoi|pour quelle raison|comment se fait|raison)"
_RAISE = (
    r"(?:raised?|raising|increased?|increasing|higher|went up|gone up|go up|up|hiked?"
    r"|augmente\w*|monte\w*|releve\w*|hausse\w*|plus (?:chers?|hauts?|eleves?))"
)
_LOWER = (
    r"(?:lower(?:ed|ing)?|decreased?|decreasing|reduced?|reducing|drop(?:ped)?|cut|went down|gone down|go down"
    r"|down|cheaper"
    r"|baiss\w*|diminu\w*|redui\w*|abaiss\w*|plus bas|moins chers?)"
)
_CHANGE = r"(?:chang\w*|adjust\w*|modifi\w*|ajust\w*|set|fixe\w*|updated?|touch\w*)"
_KEEP = r"(?:kept|keep|keeps|left|stay(?:s|ed)?|garde\w*|laiss\w*|reste\w*|maintenu\w*)"
# The first that fits is the main one; all that fit are answered. `(?>.*?word)` finds the first such word alone: what is
# to come after it comes after it wherever there are more.
_PATTERNS: tuple[tuple[Topic, str], ...] = (
    (
        "unchanged",
        (
            rf"{_WHY}(?>.*?\b(?:nothing|no (?:change|fee)|not|n't|rien|aucun\w*|pas)\b).*\b(?:{_CHANGE}|{_RAISE}"
            rf"|{_LOWER}|happen\w*"
            rf"|passe)|{_WHY}(?>.*?\b(?:{_CHANGE}|bouge\w*)\b).*\b(?:rien|aucun\w*)\b|\b(?:rien n'a change"
            rf"|nothing (?:was |has )?"
            rf"changed|unchanged|inchange\w*)\b|{_WHY}(?>.*?\b{_KEEP}\b).*\b{_FEE}"
        ),
    ),
    (
        "why_fee",
        (
            rf"{_WHY}(?:(?>.*?{_FEE}).*\b(?:{_RAISE}|{_LOWER}|{_CHANGE})"
            rf"|(?>.*?\b(?:{_RAISE}|{_LOWER}|{_CHANGE})).*{_FEE})"
        ),
    ),
    ("why_fee", rf"{_WHY}.*\b{_FEE}\b"),
    (
        "rolled_back",
        (
            r"\b(?:roll(?:ed|s)? ?back|rollbacks?|undone|undo|reverted?|taken back|annule\w*|remis\w* comme avant"
            r"|retour\w* en arriere|revenu\w* en arriere)\b"
        ),
    ),
    (
        "failures",
        rf"\b{_ASKING}\b.*\b(?:fail\w*|went wrong|errors?|refused|echou\w*|echecs?|erreurs?|refuse\w*|mal passe)\b",
    ),
    (
        "held",
        (
            rf"\b(?:held(?: back)?|holding back|holds? .*back|guards?|retenu\w*|retien\w*|garde-fous?)\b"
            rf"|\b(?:blocks?|blocked|stops?"
            rf"|stopped|bloque\w*|empeche\w*)\b.*\b(?:{_FEE}|{_CHANGE})\b"
        ),
    ),
    (
        "depleted",
        (
            r"\b(?:deplet\w*|empty|drained|run dry|dry|exhausted|out of (?:liquidity|balance)|epuise\w*|vides?"
            r"|vide\w*|a sec"
            r"|asseche\w*)\b"
        ),
    ),
    (
        "earnings",
        (
            r"\b(?:earn(?:ed|ings?|s)?|revenues?|income|profits?|gagn\w*|rapport(?:e|es|ent|ait)|revenus?"
            r"|recettes?|benefices?)\b"
            r"|\bhow much (?:did|have) .*\b(?:make|made)\b"
        ),
    ),
    (
        "mode",
        (
            r"\b(?:what|which|quel|dans quel|en) mode\b|\b(?:am i|are you|is it|suis-je|es-tu"
            r"|etes-vous)\b.*\b(?:shadow|canary|canari"
            r"|paused?|en pause|live)\b"
        ),
    ),
    (
        "changes",
        (
            rf"\bwhat (?:did you|have you|has|was|were|did) .*\b(?:{_CHANGE}|do|done|decide\w*)\b"
            rf"|\b{_CHANGE}\b.*\b(?:today"
            rf"|yesterday|aujourd'hui|hier|week|semaine|recently|recemment|last run|dernier cycle)\b"
            rf"|\bqu'(?:as-tu|avez-vous|a-t-on"
            rf"|est-ce (?:que|qui)).*\b(?:{_CHANGE}|fait|decide\w*|{_RAISE}|{_LOWER})|\bwhat changed\b"
            rf"|\bwhich {_FEE} (?:did you"
            rf"|have you|were|changed)|\bquels {_FEE}\b.*\b{_CHANGE}"
        ),
    ),
    (
        "state",
        (
            r"\b(?:balances?|state|status|capacity|charge|soldes?|etat|statut|capacite)\b|\b(?:current|present"
            r"|actuels?|actuelle) {_FEE}"
            rf"|\bwhat (?:is|are) (?:my|the|our) {_FEE}|\bquels? (?:est|sont) (?:mes|mon|le|les|nos) {_FEE}"
            rf"|\bhow (?:is|does)\b"
            r"|\bcomment (?:va|se porte)\b"
        ),
    ),
)
_TOPICS = tuple((topic, re.compile(pattern)) for topic, pattern in _PATTERNS)
_QUESTION_WORDS = {
    *(
        "why",
        "what",
        "which",
        "how",
        "when",
        "who",
        "my",
        "the",
        "fee",
        "fees",
        "channel",
        "node",
        "raise",
        "lower",
        "change",
    ),
    *(
        "balance",
        "state",
        "mode",
        "pourquoi",
        "quoi",
        "quel",
        "quelle",
        "comment",
        "quand",
        "qui",
        "mon",
        "ma",
        "les",
        "frais",
    ),
    *("canal", "noeud", "solde"),
}
_DAYS: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"\b(?:yesterday|hier)\b"), 2.0),
    (re.compile(r"\b(?:today|24 ?h|last day|aujourd'hui|24 ?heures|ce jour)\b"), 1.0),
    (re.compile(r"\b(?:week|7 days|semaine|7 jours)\b"), 7.0),
    (re.compile(r"\b(?:month|30 days|mois|30 jours)\b"), 30.0),
)


class KnownChannel(Struct, frozen=True):
    """A channel of the asker's own node; a stranger chose the alias."""

    short_channel_id: str
    peer_pubkey: str
    alias: str


class Intent(Struct, frozen=True):
    """`topics` is empty where the question is about no record of the node. `channels`: short channel ids of the node
    that it names; `misses_channel`: it names one that the node does not have.
    """

    topics: tuple[Topic, ...] = ()
    channels: tuple[str, ...] = ()
    misses_channel: bool = False
    direction: Direction | None = None
    days: float | None = None

    @property
    def is_own(self) -> bool:
        return bool(self.topics)


def read_intent(question: str, channels: Sequence[KnownChannel]) -> Intent:
    """A question with a word of the asker's own (my, you, today, mon, vous ...) or with one of the node's channels in
    it, on a topic that records tell of. Names are compared as text, whatever they say.
    """
    folded = fold(question)
    named, misses = _match_channels(folded, channels)
    asked = _without_names(folded, [channel for channel in channels if channel.short_channel_id in named])
    topics = _find_topics(asked) or _find_topics(folded)
    is_named = bool(named or misses)
    if not is_named and (_GENERAL.search(asked) or not (_OWN.search(asked) or _ALWAYS_OWN.intersection(topics))):
        return Intent()
    if not topics:
        topics = ("state",) if is_named else ()
    return Intent(
        topics=topics,
        channels=tuple(named),
        misses_channel=misses,
        direction=_read_direction(asked),
        days=next((days for pattern, days in _DAYS if pattern.search(asked)), None),
    )


def _find_topics(asked: str) -> tuple[Topic, ...]:
    return tuple(dict.fromkeys(topic for topic, pattern in _TOPICS if pattern.search(asked)))


def _match_channels(folded: str, channels: Sequence[KnownChannel]) -> tuple[list[str], bool]:
    """By short channel id (with x or colons), by public key or its beginning, by alias as whole words; the longest
    alias first, so that `ACINQ Paris` is not `ACINQ`.
    """
    scids = ["x".join(parts) for parts in _SCID.findall(folded)]
    keys = _KEY.findall(folded)
    named = [one.short_channel_id for one in channels if one.short_channel_id in scids]
    named += [one.short_channel_id for one in channels if any(one.peer_pubkey.startswith(key) for key in keys)]
    rest = _spell(folded)
    for alias in sorted({_spell(one.alias) for one in channels}, key=len, reverse=True):
        if _is_telling(alias) and (found := _find_words(alias, rest)):
            rest = rest[: found.start()] + " " + rest[found.end() :]
            named += [one.short_channel_id for one in channels if _spell(one.alias) == alias]
    known = {one.short_channel_id for one in channels}
    misses = any(scid not in known for scid in scids) or any(
        not any(one.peer_pubkey.startswith(key) for one in channels) for key in keys
    )
    return list(dict.fromkeys(named)), misses and not named


def _spell(text: str) -> str:
    """Its words alone: nobody types the lightning in somebody's name."""
    return " ".join(re.findall(r"\w+", fold(text)))


def _is_telling(alias: str) -> bool:
    """A peer called `Why` is in no question by that word."""
    return (
        len(alias) >= MIN_ALIAS_CHARS
        and any(tokenise(alias, language) for language in LANGUAGES)
        and not (set(alias.split()) <= _QUESTION_WORDS)
    )


def _find_words(words: str, text: str) -> re.Match[str] | None:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text)


def _without_names(folded: str, named: Sequence[KnownChannel]) -> str:
    """An alias may be a word of ours: `Why raise the fee` is a name as good as any."""
    folded = _SCID.sub(" ", _KEY.sub(" ", folded))
    for alias in sorted({_spell(one.alias) for one in named}, key=len, reverse=True):
        if _is_telling(alias):
            folded = re.sub(rf"(?<!\w){re.escape(alias).replace(chr(92) + ' ', '[^a-z0-9]+')}(?!\w)", " ", folded)
    return folded


def _read_direction(asked: str) -> Direction | None:
    raised, lowered = (re.search(rf"\b{words}\b", asked) for words in (_RAISE, _LOWER))
    if bool(raised) == bool(lowered):
        return None
    return "raise" if raised else "lower"
