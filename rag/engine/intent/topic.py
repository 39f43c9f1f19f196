"""The table of topics: which words ask for which record of the node, in English and French, without accents."""

import re
from typing import NamedTuple

from rag.engine.intent.value import Direction, Topic

_FEE = r"(?:fees?|rates?|frais|taux|prix|prices?|ppm)"
_WHY = r"(?:why|how come|for what reason|what made|reason|pourquoi|pour quelle raison|comment se fait|raison)"
_RAISE = (
    r"(?:raised?|raising|increased?|increasing|higher|went up|gone up|go up|up|hiked?"
    r"|augmente\w*|monte\w*|releve\w*|hausse\w*|plus (?:chers?|hauts?|eleves?))"
)
_LOWER = (
    r"(?:lower(?:ed|ing)?|decreased?|decreasing|reduced?|reducing|drop(?:ped)?|cut|went down|gone down|go down|down"
    r"|cheaper|baiss\w*|diminu\w*|redui\w*|abaiss\w*|plus bas|moins chers?)"
)
_CHANGE = r"(?:chang\w*|adjust\w*|modifi\w*|ajust\w*|set|fixe\w*|updated?|touch\w*)"
_MOVE = rf"(?:{_CHANGE}|{_RAISE}|{_LOWER})"
_KEEP = r"(?:kept|keep|keeps|left|stay(?:s|ed)?|garde\w*|laiss\w*|reste\w*|maintenu\w*)"
_NONE = r"(?:nothing|no (?:change|fee)|not|n't|rien|aucun\w*|pas)"
_EMPTY = (
    r"(?:deplet\w*|empty|drained|run dry|dry|exhausted|out of (?:liquidity|balance)|epuise\w*|vides?|vide\w*|a sec"
    r"|asseche\w*)"
)
_COMING = (
    r"(?:will|shall|going to|until|till|how soon|sera|seront|vas? (?:se|etre)|vont (?:se|etre)|avant que"
    r"|avant qu'(?:il|elle))"
)
_WILL_EMPTY = r"(?:videra|videront|epuisera|epuiseront|assechera|assecheront)"
_CHANNELS = r"(?:channels?|canal|canaux)"
_WHICH = r"(?:which|what|how many|any|list|show|quels?|combien de|liste|montre\w*|y a-t-il)"
_FAILED = r"(?:fail(?:ed|s|ing)?|went wrong|gone wrong|echou\w*|rate\w*|mal passe\w*)"
_WENT_WRONG = rf"(?:{_FAILED}|errors?|refused|echecs?|erreurs?|refuse\w*)"
_PAYMENTS = r"(?:payments?|forwards?|htlcs?|paiements?|relais)"
_EARN = (
    r"(?:earn(?:ed|ings?|s)?|revenues?|income|profits?|gagn\w*|rapport(?:e|es|ent|ait|er|era)|revenus?|recettes?"
    r"|benefices?)"
)
_MOST = r"(?:most|best|top|highest|le plus|meilleurs?|la plus)"
_FORWARDED = r"(?:forward(?:ed)?|rout(?:ed?|ees?)|pass(?:ed)? on|relay\w*|achemine\w*|transmis\w*)"
_LARGEST = r"(?:largest|biggest|plus (?:gros|grosse|grand|grande))"
_SMALLEST = r"(?:smallest|plus petite?)"
_EMPTIEST = r"(?:emptiest|driest|most (?:empty|depleted|drained)|plus (?:vide|epuise|a sec))"
_FULLEST = r"(?:fullest|most full|plus (?:plein|rempli))"
_UNDER_WAY = r"(?:stuck|pending|in flight|under way|bloque\w*|coince\w*|en attente|en cours|en vol)"
_NOW = r"(?:current(?:ly)?|present|actuels?|actuelles?|actuellement|now|en ce moment)"


class Row(NamedTuple):
    """Words that ask for a topic. `is_bare`: they ask of the node without saying so; the others need a word of the
    asker's own, or a channel. `instead_of`: topics whose words are in it as well and are not meant.
    """

    topic: Topic
    words: re.Pattern[str]
    is_bare: bool = False
    instead_of: frozenset[Topic] = frozenset()
    is_of_channel: bool = False  # it asks for a record only where a channel is named


def _row(topic: Topic, words: str, *instead_of: Topic, is_bare: bool = False, is_of_channel: bool = False) -> Row:
    return Row(topic, re.compile(words), is_bare, frozenset(instead_of), is_of_channel)


# The first that fits is the main one; all that fit are answered, but for those another stands instead of.
TABLE: tuple[Row, ...] = (
    _row(
        "unchanged",
        rf"{_WHY}(?>.*?\b{_NONE}\b).*\b(?:{_MOVE}|happen\w*|passe)"
        rf"|{_WHY}(?>.*?\b(?:{_CHANGE}|bouge\w*)\b).*\b(?:rien|aucun\w*)\b"
        r"|\b(?:rien n'a change|nothing (?:was |has )?changed|unchanged|inchange\w*)\b"
        rf"|{_WHY}.*\b{_KEEP}\b.*\b{_FEE}|{_WHY}.*\b{_FEE}\b.*\b{_KEEP}\b",
        "why_fee",
        "changes",
        is_bare=True,
    ),
    _row("why_fee", rf"{_WHY}(?:(?>.*?{_FEE}).*\b{_MOVE}|(?>.*?\b{_MOVE}).*{_FEE})", "fees", "changes"),
    _row("why_fee", rf"{_WHY} (?:did|was|were|has|have) (?:the|that) {_FEE}\b.*\b{_MOVE}", "fees", is_bare=True),
    _row("why_fee", rf"{_WHY}.*\b(?:{_FEE}|cost\w*|cout\w*)\b", "fees"),
    _row("why_fee", rf"{_WHY} (?:did|have|has|avez|as|a-t-on)\b.*\b(?:{_RAISE}|{_LOWER})\b", "fees"),
    _row(
        "rolled_back",
        r"\b(?:rolled ?back|rollbacks?|undone|reverted|taken back|annule\w*|remis\w* comme avant"
        r"|retour\w* en arriere|revenu\w* en arriere)\b",
        "changes",
    ),
    _row(
        "rolled_back",
        r"\b(?:what|which|anything|qu'est-ce qui|quels?)\b.*\b(?:was|were|has been|been|a ete|ont ete)"
        r".*\b(?:rolled ?back|undone|reverted|taken back|annule\w*)\b",
        "changes",
        is_bare=True,
    ),
    _row(
        "failed_payments",
        rf"\b(?:{_WHICH}|combien)\b.*\b{_PAYMENTS}\b.*\b{_FAILED}\b|\b{_FAILED} {_PAYMENTS}\b",
        "failures",
        "earnings",
        is_bare=True,
    ),
    _row(
        "failures",
        r"\b(?:what|anything|something|qu'est-ce qui|quelque chose)(?: has| have| is| a| ont)?\b.{0,12}"
        rf"\b{_FAILED}\b",
        is_bare=True,
    ),
    _row(
        "failures",
        rf"\b(?:{_WHICH}|did|has|have|est-ce que)\b.*\b(?:{_CHANGE}|actions?|updates?|{_FEE})\b.*\b{_WENT_WRONG}\b"
        rf"|\b(?:errors?|erreurs?|echecs?)\b.*\b(?:node|noeud)\b",
    ),
    _row(
        "held",
        r"\b(?:held(?: back)?|holding back|holds? .*back|guards?|retenu\w*|retien\w*|garde-fous?)\b"
        rf"|\b(?:blocks?|blocked|stops?|stopped|bloque\w*|empeche\w*)\b.*\b(?:{_FEE}|{_CHANGE})\b",
    ),
    _row(
        "held",
        r"\b(?:which|quels?) (?:guards?|garde-fous?)\b|\b(?:what|which \w+|qu'est-ce qui|quels? \w+)"
        r" (?:is|are|was|were|est|sont) (?:held|retenu\w*)\b",
        is_bare=True,
    ),
    _row("depletion", rf"^(?>.*?\b{_COMING}\b).*\b{_EMPTY}\b|\b{_WILL_EMPTY}\b", "depleted", "state"),
    _row(
        "depletion",
        rf"\b{_WHICH}\b.*\b{_CHANNELS}\b(?>.*?\b{_COMING}\b).*\b{_EMPTY}\b",
        "depleted",
        "state",
        is_bare=True,
    ),
    _row("largest", rf"\b{_CHANNELS}\b.*\b{_LARGEST}\b|\b{_LARGEST}\b.*\b{_CHANNELS}\b"),
    _row("smallest", rf"\b{_CHANNELS}\b.*\b{_SMALLEST}\b|\b{_SMALLEST}\b.*\b{_CHANNELS}\b"),
    _row("emptiest", rf"\b{_CHANNELS}\b.*\b{_EMPTIEST}\b|\b{_EMPTIEST}\b.*\b{_CHANNELS}\b", "depleted"),
    _row("fullest", rf"\b{_CHANNELS}\b.*\b{_FULLEST}\b|\b{_FULLEST}\b.*\b{_CHANNELS}\b"),
    _row("synced", rf"^(?!.*\b{_WHY}\b).*\b(?:sync|synced|synchroni[sz]ed|synchronisee?s?)\b"),
    _row("pending", rf"\b{_PAYMENTS}\b.*\b{_UNDER_WAY}\b|\b{_UNDER_WAY} {_PAYMENTS}\b", "held", is_of_channel=True),
    _row("pending", rf"\b{_WHICH}\b.*\b(?:{_UNDER_WAY} htlcs?|htlcs?\b.*\b{_UNDER_WAY})\b"),
    _row("depleted", rf"\b{_EMPTY}\b", "state"),
    _row("depleted", rf"\b{_WHICH}\b.*\b{_CHANNELS}\b.*\b{_EMPTY}\b", "state", is_bare=True),
    _row(
        "best_earner",
        rf"\b(?:{_WHICH}|quel est|what is)\b.*\b{_CHANNELS}\b.*\b{_EARN}\b.*\b{_MOST}\b"
        rf"|\b{_MOST}\b.*\b(?:{_EARN}|profitable|rentables?)\b.*\b{_CHANNELS}\b"
        rf"|\b{_CHANNELS}\b.*\b{_MOST}\b.*\b(?:{_EARN}|profitable|rentables?)\b",
        "earnings",
        is_bare=True,
    ),
    _row("best_earner", rf"\b{_MOST} {_CHANNELS}\b"),
    _row(
        "earnings",
        rf"\b{_EARN}\b|\bhow much (?:did|have|has|do|does|will) .*\b(?:make|made)\b"
        rf"|\b(?:how many|combien de) {_PAYMENTS}\b.*\b(?:{_FORWARDED}|pass\w*)\b"
        rf"|\bhow much (?:did|have) (?:i|we|my|you) .*{_FORWARDED}\b"
        rf"|\bcombien\b.*\b(?:ai-je|avons-nous) {_FORWARDED}\b",
    ),
    _row(
        "mode",
        r"\b(?:what|which|quel|dans quel|en) mode\b|\b(?:am i|are you|is it|suis-je|es-tu|etes-vous)\b.*"
        r"\b(?:shadow|canary|canari|paused?|en pause|live)\b",
    ),
    _row(
        "changes",
        rf"\bwhat (?:did you|have you|has|was|were|did) .*\b(?:{_CHANGE}|do|done|decide\w*)\b"
        rf"|\bqu'(?:as-tu|avez-vous|a-t-on|est-ce (?:que|qui)).*\b(?:{_MOVE}|fait|decide\w*)"
        rf"|\b(?:which|what|how many|combien de) {_FEE} (?:did|have|were|was|changed|has)\b.*(?:{_MOVE})?"
        rf"|\b(?:quels|combien de) {_FEE} .*\b{_MOVE}"
        rf"|\b(?:did|have|avez|as) (?:you|vous|tu)\b(?>.*?\b{_MOVE}\b).*\b{_FEE}"
        rf"|\b(?:avez-vous|as-tu)\b(?>.*?\b{_MOVE}\b).*\b{_FEE}",
        "fees",
    ),
    _row(
        "changes",
        r"\bwhat (?:has )?changed\b|\bqu'est-ce qui a change\b"
        r"|\b(?:which|what) (?:fees|rates) (?:were|was|have been)\b",
        "fees",
        is_bare=True,
    ),
    _row("score", r"\b(?:scores?|scored)\b", "state", "why_fee", "fees"),
    _row(
        "fees",
        rf"\b{_NOW} {_FEE}|\bwhat (?:is|are) (?:my|the|our)(?: \w+)? {_FEE}|\b{_FEE} {_NOW}\b"
        rf"|\bquels? (?:est|sont) (?:mes|mon|le|les|nos) {_FEE}"
        rf"|\b(?:what|which) {_FEE} (?:do|does|are) (?:i|we|you|my)\b|\bquels {_FEE} (?:ai-je|sont)\b",
    ),
    _row(
        "state",
        r"\b(?:balances?|state|status|capacity|soldes?|etat|statut|capacite)\b"
        r"|\bhow (?:is|does) (?:my|our|the|this)(?: \w+)? (?:node|channels?)\b"
        r"|\bcomment (?:va|se porte|vont)\b",
    ),
    _row(
        "state",
        rf"\b(?:how many|combien de) {_CHANNELS}\b.*\b(?:have|has|got|is|are there|ai-je|j'ai|avons|a|avez|y a-t-il)\b"
        rf"|\b(?:how much|combien de) (?:\w+ )?(?:liquidity|liquidite|sats?|satoshis?|money|bitcoins?)(?: \w+)?"
        r" (?:do|have|is|can|ai-je|j'ai|avons|a-t-on|y a-t-il|puis)\b|\b(?:inbound|outbound|incoming|outgoing)"
        r" liquidity (?:do|have) (?:i|we)\b",
    ),
)  # fmt: skip
_COMPARED = re.compile(
    r"\b(?:more|less|higher|lower|cheaper|dearer|plus|moins)\b.*\b(?:than|que)\b|\bdifference\b|\bcompared?\b|\bcompare\w*"
)
_MOVED = {"raise": re.compile(rf"\b{_RAISE}\b"), "lower": re.compile(rf"\b{_LOWER}\b")}


def find_rows(asked: str) -> list[Row]:
    """Those whose words are in it, in the order of the table."""
    fitting = [row for row in TABLE if row.words.search(asked)]
    meant_otherwise = frozenset[Topic]().union(*(row.instead_of for row in fitting))
    return [row for row in fitting if row.topic not in meant_otherwise]


def is_comparing(asked: str) -> bool:
    return bool(_COMPARED.search(asked))


def read_direction(asked: str) -> Direction | None:
    raised, lowered = (bool(words.search(asked)) for words in _MOVED.values())
    if raised == lowered:
        return None
    return "raise" if raised else "lower"
