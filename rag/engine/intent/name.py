"""Channels that a question names: by id, by public key, by alias. Names are compared as text, whatever they say."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import NamedTuple

from rag.engine.evidence import LANGUAGES
from rag.engine.intent.value import KnownChannel
from rag.engine.stop_words import STOP_WORDS
from rag.engine.suspicion import fold
from rag.engine.tokenise import tokenise

MIN_ALIAS_CHARS = 3
MIN_KEY_CHARS = 8  # hex digits of a public key that somebody types instead of all 66
MOST_SHARING = 3  # peers that one beginning of a name may mean; beyond, the asker is asked which
MAX_SIMILAR = 3
ALIKE = 0.6  # difflib's ratio
_SCID = re.compile(r"\b(\d{1,8})[x:](\d{1,8})[x:](\d{1,5})\b")
_KEY = re.compile(rf"\b0[23][0-9a-f]{{{MIN_KEY_CHARS - 2},64}}\b")
_ASKED = """
why what which how when who my the fee fees channel node raise lower change balance state mode pourquoi quoi quel
quelle comment quand qui mon ma les frais canal noeud solde
"""
# Names of the field that are nobody's channel.
_FIELD = """
lnd cln core lightning bitcoin eclair ldk tor clearnet telegram bolt bolt11 bolt12 loop pool boltz amboss magma
lightningnetwork lncli dazbox dazboxes openai qdrant rtl thunderhub lndg charge htlc htlcs psbt rbf cpfp utc english
french anglais francais api mpp amp taproot splicing neutrino electrum umbrel raspberry linux docker github x y z
i sparkseer sat sats ppm msat btc usd eur
"""
# What follows "the fee to" and "channel with" without being a name.
_COMMON = """
zero nothing peer peers others other node nodes channel channels fees fee rate rates pay get make set high low
higher lower large small big inbound outbound incoming outgoing money payments liquidity more less open close
back half double eleve eleves haut bas pair pairs voisin voisins noeuds canaux autres rien zero paiements
liquidite entrante sortante today yesterday now recently rebalance rebalancing routing someone somebody new old
raised lowered changed cost costs expensive cheap cher chers hier week month year semaine mois neighbour
neighbours friend partner highest lowest most least every everyone all anyone merchants exchanges shops wallets
"""
_QUESTION_WORDS = frozenset(_ASKED.split())
_NO_NAMES = STOP_WORDS["en"] | STOP_WORDS["fr"] | _QUESTION_WORDS | frozenset(f"{_FIELD} {_COMMON}".split())
_LEADS = (
    r"(?:to|towards?|with|of|from|via|through|for|and|than|does|did|is|has|à|avec|vers|de|chez|par|pour|et|que|gagne"
    r"|gagné)"
)
_THING = r"(?:fees?|rates?|prices?|channels?|balances?|peers?|frais|taux|prix|canal|canaux|soldes?|pair)"
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w.\-]*"
_QUOTED = re.compile(r"[\"“«]\s?(?P<name>[^\"“”«»]{3,64}?)\s?[\"”»]|(?<!\w)'(?P<single>[^']{3,64})'(?!\w)")
_CAPITALISED = re.compile(
    rf"(?:(?<=\s)|(?<=d')){_LEADS}\s+(?P<name>{_CAPITAL}(?:\s+(?:{_CAPITAL}|\d+))*)|\bd['\u2019](?P<single>{_CAPITAL})"
)
_PLAIN = re.compile(
    rf"\b{_THING}\s+(?:to|towards?|with|vers|avec|chez)\s+(?P<name>[^\W\d][\w.\-]*(?:\s+[\w.\-]+){{0,2}})"
)
_OF_A_CHANNEL = re.compile(rf"\b{_THING}\b(?:\s+\w+){{0,2}}\s+{_LEADS}\s+\W?$", re.IGNORECASE)


class Named(NamedTuple):
    """`channels` of the node; `shared`: beginnings of a name that several peers have, as they were typed; `unknown`:
    what the node does not have; `is_crowded`: a beginning that too many have; `subjects`: names, folded, as they stand.
    """

    channels: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    is_crowded: bool = False
    is_strict: bool = False  # named by id or key, or as whose channel or fee it is


def find_named(question: str, channels: Sequence[KnownChannel]) -> Named:
    """The longest alias first, so that `ACINQ Paris` is not `ACINQ`."""
    folded = fold(question)
    found, unknown = _match_ids(folded, channels)
    by_alias, taken = _match_aliases(_spell(question), channels)
    found += by_alias
    is_strict = bool(found or unknown)
    shared: list[str] = []
    is_crowded = False
    for name, is_of_channel in _list_candidates(question):
        spelled = _spell(name)
        if any(_overlaps(spelled, alias) for alias in taken):
            continue
        alike = [one for one in channels if _has_words(_spell(one.alias), spelled)]
        peers = {one.peer_pubkey for one in alike}
        if not alike:
            unknown.append(name)
            is_strict |= is_of_channel
        elif len(peers) <= MOST_SHARING:
            found += [one.short_channel_id for one in alike]
        shared += [name] if len(peers) > 1 else []
        is_crowded |= len(peers) > MOST_SHARING
    return Named(
        tuple(dict.fromkeys(found)), tuple(dict.fromkeys(shared)), tuple(dict.fromkeys(unknown)), is_crowded, is_strict
    )


def list_similar(name: str, channels: Sequence[KnownChannel]) -> list[KnownChannel]:
    """One channel for each peer whose name has the beginning of it or is nearly it, the likest first."""
    by_alias = {_spell(one.alias): one for one in reversed(channels) if _spell(one.alias)}
    spelled = _spell(name)
    close = get_close_matches(spelled, by_alias, n=MAX_SIMILAR, cutoff=ALIKE)
    words = {word for word in spelled.split() if len(word) >= MIN_ALIAS_CHARS}
    close += [alias for alias in by_alias if _has_words(alias, spelled) or words & set(alias.split())]
    return [by_alias[alias] for alias in dict.fromkeys(close)][:MAX_SIMILAR]


def without_names(question: str, named: Sequence[KnownChannel]) -> str:
    """Folded. An alias may be a word of ours: `Why raise the fee` is a name as good as any."""
    folded = _SCID.sub(" ", _KEY.sub(" ", fold(question)))
    for alias in sorted({_spell(one.alias) for one in named}, key=len, reverse=True):
        if _is_telling(alias):
            folded = re.sub(rf"(?<!\w){re.escape(alias).replace(chr(92) + ' ', '[^a-z0-9]+')}(?!\w)", " ", folded)
    return folded


def drop_names(question: str, channels: Sequence[KnownChannel]) -> str:
    """As it is typed, for a search of texts: nobody wrote about this node's peers."""
    for alias in sorted({_spell(one.alias) for one in channels}, key=len, reverse=True):
        if _is_telling(alias):
            words = r"\W+".join(map(re.escape, alias.split()))
            question = re.sub(rf"(?<!\w){words}(?!\w)", " ", question, flags=re.IGNORECASE)
    return question


def list_places(question: str, names: Sequence[str]) -> Iterator[str]:
    """What stands before each of the names, folded."""
    folded = fold(question)
    for name in names:
        found = re.search(rf"(?<!\w){re.escape(fold(name))}(?!\w)", folded)
        if found:
            yield folded[: found.start()]


def _match_ids(folded: str, channels: Sequence[KnownChannel]) -> tuple[list[str], list[str]]:
    scids = ["x".join(parts) for parts in _SCID.findall(folded)]
    keys = _KEY.findall(folded)
    known = {one.short_channel_id for one in channels}
    found = [scid for scid in scids if scid in known]
    found += [one.short_channel_id for one in channels if any(one.peer_pubkey.startswith(key) for key in keys)]
    unknown = [scid for scid in scids if scid not in known]
    unknown += [key for key in keys if not any(one.peer_pubkey.startswith(key) for one in channels)]
    return found, unknown


def _match_aliases(rest: str, channels: Sequence[KnownChannel]) -> tuple[list[str], list[str]]:
    """Whole words; and the aliases that were found."""
    named: list[str] = []
    taken: list[str] = []
    for alias in sorted({_spell(one.alias) for one in channels}, key=len, reverse=True):
        if _is_telling(alias) and (found := _find_words(alias, rest)):
            rest = rest[: found.start()] + " " + rest[found.end() :]
            named += [one.short_channel_id for one in channels if _spell(one.alias) == alias]
            taken.append(alias)
    return named, taken


def _list_candidates(question: str) -> Iterator[tuple[str, bool]]:
    """What is typed like a name: quoted, with a capital after a word that leads to a name, or after `fee to`. And
    whether it is said to be whose channel or fee it is.
    """
    for pattern in (_QUOTED, _CAPITALISED):
        for found in pattern.finditer(question):
            name = (found["name"] or found["single"]).strip(" .-?!,")
            if _may_be_name(name):
                yield (
                    name,
                    bool(
                        _OF_A_CHANNEL.search(
                            question[: found.start("name") if found["name"] else found.start("single")]
                        )
                    ),
                )
    for found in _PLAIN.finditer(question):
        words = list(takewhile(lambda word: fold(word) not in _NO_NAMES, found["name"].split()))
        if words and _may_be_name(" ".join(words)):
            yield " ".join(words).strip(" .-"), True


def _may_be_name(name: str) -> bool:
    words = _spell(name).split()
    return (
        len(name) >= MIN_ALIAS_CHARS
        and not all(word in _NO_NAMES or word.isdigit() for word in words)
        and not _SCID.search(fold(name))
        and not _KEY.search(fold(name))
    )


def _overlaps(name: str, alias: str) -> bool:
    return _has_words(name, alias) or _has_words(alias, name)


def _has_words(text: str, words: str) -> bool:
    return bool(text and words and _find_words(words, text))


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
