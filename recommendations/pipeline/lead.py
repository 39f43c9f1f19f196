"""What is said first of a question about the node: who it names that is not there, and why there is no record."""

from collections.abc import Iterable, Sequence

from nodes.selectors.node import read_own_node
from rag.engine.evidence import Evidence, Language
from rag.engine.intent.name import list_similar
from rag.engine.intent.value import Intent, KnownChannel
from rag.engine.wording import quote
from recommendations.engine.lead_words import GAPS, LEADS
from recommendations.engine.telling import tame_name, tell_instant

OF_FORWARDS = frozenset({"earnings", "best_earner", "failed_payments"})


def find_lead(
    intent: Intent, facts: Sequence[Evidence], *, channels: Sequence[KnownChannel], language: Language
) -> str:
    """Empty where nothing needs to be said: the question is about no record, or its facts answer it."""
    if intent.unknown:
        return _tell_unknown(intent, channels, language=language)
    if intent.gap:
        return GAPS[language][intent.gap] + _tell_similar(intent.shared, channels, language=language)
    if intent.shared:
        return LEADS[language]["shared"].format(names=_quote(intent.shared, language))
    return _tell_missing(intent, language) if intent.topics and not facts else ""


def _tell_unknown(intent: Intent, channels: Sequence[KnownChannel], *, language: Language) -> str:
    names = _quote(intent.unknown, language)
    key = "no_such_channel" if names else "no_such_nameless"
    return LEADS[language][key].format(names=names) + _tell_similar(intent.unknown, channels, language=language)


def _tell_similar(names: Sequence[str], channels: Sequence[KnownChannel], *, language: Language) -> str:
    similar = dict.fromkeys(one.alias for name in names for one in list_similar(name, channels))
    shown = _quote(similar, language)
    return LEADS[language]["similar"].format(names=shown) if shown else ""


def _quote(names: Iterable[str], language: Language) -> str:
    """Those that are no more than names: some were typed by the asker, some chosen by strangers."""
    return ", ".join(quote(tame, language) for name in names if (tame := tame_name(name)))


def _tell_missing(intent: Intent, language: Language) -> str:
    if intent.topics[0] not in OF_FORWARDS:
        return LEADS[language]["no_records"]
    since = read_own_node().history_since
    if since is None:
        return LEADS[language]["no_forwards"]
    return LEADS[language]["known_since"].format(since=tell_instant(since))
