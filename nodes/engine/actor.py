"""Who did something, in words. Ids of keys and people stay in the facts."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.engine.language.sentence import Language

_OWNER: Mapping[Language, str] = {"en": "the owner", "fr": "le propriétaire"}
_OPERATOR: Mapping[Language, str] = {"en": "an operator", "fr": "un opérateur"}
_OPERATORS = {"command line", "provisioning", "import_fee_policy"}  # what they do on the server itself
_RULES: Mapping[str, Mapping[Language, str]] = {
    "stop rule": {"en": "a stop rule", "fr": "une règle d'arrêt"},
    "promotion rule": {"en": "the promotion rule", "fr": "la règle de promotion"},
}


def name_actor(actor: object, *, language: Language = "en") -> str:
    """By the subject of a token, or the name our own rules go by. The owner's apps and box are the owner."""
    name = str(actor)
    if name in _RULES:
        return _RULES[name][language]
    is_operator = name.startswith("operator:") or name in _OPERATORS
    return (_OPERATOR if is_operator else _OWNER)[language]


def translate_actor(words: str) -> str:
    """The English words of `name_actor` in French; others as they are."""
    french = {named["en"]: named["fr"] for named in (_OWNER, _OPERATOR, *_RULES.values())}
    return french.get(words, words)
