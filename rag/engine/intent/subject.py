"""Whose records a question is about: the asker's own node's, somebody else's, or nobody's."""

import re

_OWN = re.compile(
    r"\b(?:my|mine|our|ours|i|me|we|us|you|your|mon|ma|mes|nos|notre|je|tu|toi|vous|votre|moi|nous|a-t-on)\b"
    r"|\b(?:j|m)'|\b(?:this node|the node|ce noeud|le noeud|last run|dernier cycle)\b"
)
# Advice is asked for, not a record: the library answers.
_GENERAL = re.compile(
    r"\bhow (?:do|can|could|should|would|does|to)\b|\b(?:should|can|could|may|must) (?:i|we)\b"
    r"|\bwhat (?:happens|if|should|would|can)\b|\bwhat (?:do|must) (?:i|we) (?:do|need)\b"
    r"|\bhow (?:much|many).* should\b"
    r"|\bcomment (?:puis|peut|faire|obtenir|[a-z]+er|[a-z]+ir|[a-z]+re)\b|\bcomment (?:se|s'|me) ?[a-z]+er\b"
    r"|\bque (?:se passe|faire|dois|faut|peut)\b"
    r"|\b(?:dois|puis|peut|faut|devrais|pourrais)[- ](?:je|on|il)\b|\bwhat (?:is|are) an?\b|\bqu'est-ce qu'une?\b"
    r"|\b(?:why|pourquoi)\b.*\b(?:my|mon|mes)(?: \w+)? (?:payments?|paiements?|rebalanc\w*|reequilibrages?)\b"
)
# To move money is nothing that is asked of records or texts, and nothing that this product does.
_ORDER = re.compile(
    r"\b(?:can|could|will|would) you (?:please )?(?:send|pay|transfer|withdraw|spend|open|close|rebalance|buy)\b"
    r"|^\W*(?:please )?(?:send|pay|transfer|withdraw) (?:\w+ )?(?:payment|invoice|\d)"
    r"|\b(?:peux-tu|pouvez-vous|pourrais-tu|pourriez-vous|tu peux|vous pouvez)(?: me| s'il vous plait)?"
    r" (?:envoyer|payer|transferer|retirer|depenser|ouvrir|fermer|reequilibrer|acheter)\b"
    r"|^\W*(?:envoie|envoyez|paie|payez|transfere|transferez)\b"
)
_DOES_OWN = re.compile(r"\bhow does (?:my|our|the channel)\b")
_PEOPLE = (
    r"(?:neighbou?rs?|peers?|friends?|partners?|competitors?|rivals?|colleagues?|brothers?|sisters?"
    r"|voisine?s?|pairs?|amie?s?|partenaires?|concurrente?s?|collegues?|freres?|soeurs?)"
)
_OTHERS = re.compile(
    rf"(?<!with )(?<!to )(?<!towards )(?<!avec )(?<!vers )(?<!from )"
    rf"\b(?:my|our|the|his|her|their|a|another|mon|ma|mes|notre|nos|le|la|les|un|une) (?:\w+ )?{_PEOPLE}\b"
    r"|\b(?:does|did|do|has|have|will) (?:he|she|they|somebody|someone|other \w+|others)\b"
    r"|\b(?:his|her|their) (?:node|channels?|fees?|earnings?)\b|\bson noeud\b|\bleurs? (?:noeuds?|canaux|revenus?)\b"
)
_SIDE = r"(?P<{0}>[\w.\-]+(?: (?!and\b|et\b)[\w.\-]+){{0,3}}?)"
_BETWEEN = re.compile(
    rf"\b(?:channels?|canal|canaux) (?:between|entre) {_SIDE.format('one')} (?:and|et) {_SIDE.format('two')}"
    r"(?=\W*$|[,?!.])"
)
_OURS = re.compile(r"^(?:me|us|my|our|you|mine|moi|nous|mon|notre|vous|this|ce)\b")
_LED_TO = re.compile(
    r"(?:\b(?:to|towards?|with|of|from|via|through|by|on|over|channel|peer|for|a|au|vers|avec|de|du|chez|par|sur|canal|pair|pour)|d')$"
)


def is_general(asked: str) -> bool:
    return bool(_GENERAL.search(asked)) and not _DOES_OWN.search(asked)


def is_order(asked: str) -> bool:
    """Whether it tells us to move money, or to open or close a channel."""
    return bool(_ORDER.search(asked))


def is_own(asked: str) -> bool:
    return bool(_OWN.search(asked))


def is_of_others(asked: str) -> bool:
    """Of a peer's or a neighbour's, or of a channel between two others."""
    between = _BETWEEN.search(asked)
    return bool(_OTHERS.search(asked)) or bool(
        between and not any(_OURS.search(between[side]) for side in ("one", "two"))
    )


def is_subject(before: str) -> bool:
    """Whether a name that comes after these words is who does it: "how much did ACINQ earn", not "the fee to ACINQ"."""
    return not _LED_TO.search(before.rstrip(" \"'“«"))
