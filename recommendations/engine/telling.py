"""Records of a node as sentences that an answer may quote, in English and French. Names of strangers are made"
" harmless."""

import datetime as dt

from mcp_saas.kit.alias import tame_alias
from rag.engine.evidence import Language
from rag.engine.plain import has_markup, make_plain
from rag.engine.suspicion import speaks_to_assistant

NARROW_BLANK = "\u202f"  # between thousands in French
MAX_ERROR_CHARS = 160
WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "peer": "Channel {scid} with \u201c{peer}\u201d",
        "nobody": "Channel {scid}",
        "decision": "{channel}, {at} UTC: {why} Rule: {rule}{section}.",
        "held": " Held by the guard {held_by}.",
        "mode_shadow": " Nothing was written: the mode was shadow.",
        "action": " What became of it: {state}.",
        "section": " (section {section} of the fee policy)",
        "channel": "{channel}: {local} sat of {capacity} sat are ours and {remote} sat the peer's, it is"
        " {active}, {fee}.",
        "fee": "its fee is {base} msat and {ppm} ppm",
        "no_fee": "its fee is not known",
        "active": "active",
        "inactive": "not active",
        "closed": "closed",
        "depleted": "{channel} is depleted: {local} sat of {capacity} sat are ours ({percent} %).",
        "none_depleted": "None of the {count} open channels is depleted: each has {percent} % or more of its"
        " balance on our "
        "side.",
        "node": "The node has {count} open channels with {capacity} sat: {local} sat are ours, {remote} sat the"
        " peers'.",
        "run": "The newest run, {at} UTC in the mode {mode}, looked at {channels} channels: it raised {raised},"
        " lowered "
        "{lowered}, changed {changed} otherwise and kept {kept}.",
        "holds": "What kept fees in the newest run: {holds}.",
        "mode": "The mode is {mode}: {meaning}",
        "shadow": "decisions are recorded and shown, and nothing is written to the node.",
        "canary": "the decisions on {share} % of the priced channels are written to the node.",
        "live": "decisions are written to the node, but for the channels that are held out.",
        "paused": "nothing is decided until you resume.",
        "earned": "In the {days} days up to {at} UTC the node passed on {count} payments and earned {earned}"
        " msat in fees.",
        "earned_channel": "{channel}: in the same days {count} payments left by it and earned {earned} msat.",
        "failed": "{channel}, {at} UTC: the change from {old} to {new} ppm failed{error}.",
        "error": " with the words \u201c{error}\u201d",
        "none_failed": "No change of a fee failed in the {days} days up to {at} UTC.",
        "rolled_back": "{channel}, {at} UTC: the change from {old} to {new} ppm was rolled back.",
        "none_rolled_back": "Nothing was rolled back in the {days} days up to {at} UTC.",
        "no_changes": "No fee was to change in the {days} days up to {at} UTC.",
    },
    "fr": {
        "peer": "Canal {scid} avec \u00ab\u00a0{peer}\u00a0\u00bb",
        "nobody": "Canal {scid}",
        "decision": "{channel}, {at} UTC : {why} Règle : {rule}{section}.",
        "held": " Retenu par le garde-fou {held_by}.",
        "mode_shadow": " Rien n'a été écrit : le mode était shadow.",
        "action": " Ce qu'il en est advenu : {state}.",
        "section": " (section {section} de la politique de frais)",
        "channel": "{channel} : {local} sat sur {capacity} sat sont à nous et {remote} sat au pair, il est"
        " {active}, {fee}.",
        "fee": "ses frais sont de {base} msat et {ppm} ppm",
        "no_fee": "ses frais ne sont pas connus",
        "active": "actif",
        "inactive": "inactif",
        "closed": "fermé",
        "depleted": "{channel} est épuisé : {local} sat sur {capacity} sat sont à nous ({percent} %).",
        "none_depleted": "Aucun des {count} canaux ouverts n'est épuisé : chacun a au moins {percent} % de son"
        " solde de notre "
        "côté.",
        "node": "Le nœud a {count} canaux ouverts de {capacity} sat : {local} sat sont à nous, {remote} sat aux pairs.",
        "run": "Le dernier cycle, {at} UTC en mode {mode}, a regardé {channels} canaux : il en a augmenté"
        " {raised}, baissé "
        "{lowered}, changé {changed} autrement et gardé {kept}.",
        "holds": "Ce qui a maintenu des frais lors du dernier cycle : {holds}.",
        "mode": "Le mode est {mode} : {meaning}",
        "shadow": "les décisions sont notées et montrées, et rien n'est écrit sur le nœud.",
        "canary": "les décisions de {share} % des canaux tarifés sont écrites sur le nœud.",
        "live": "les décisions sont écrites sur le nœud, sauf pour les canaux témoins.",
        "paused": "rien n'est décidé jusqu'à la reprise.",
        "earned": "Dans les {days} jours avant le {at} UTC, le nœud a relayé {count} paiements et gagné {earned}"
        " msat de frais.",
        "earned_channel": "{channel} : dans ces mêmes jours, {count} paiements en sont sortis et ont rapporté"
        " {earned} msat.",
        "failed": "{channel}, {at} UTC : le changement de {old} à {new} ppm a échoué{error}.",
        "error": " avec ces mots : \u00ab\u00a0{error}\u00a0\u00bb",
        "none_failed": "Aucun changement de frais n'a échoué dans les {days} jours avant le {at} UTC.",
        "rolled_back": "{channel}, {at} UTC : le changement de {old} à {new} ppm a été annulé.",
        "none_rolled_back": "Rien n'a été annulé dans les {days} jours avant le {at} UTC.",
        "no_changes": "Aucun taux ne devait changer dans les {days} jours avant le {at} UTC.",
    },
}


def tell(key: str, language: Language, **values: object) -> str:
    """Whole numbers are grouped by thousands as the language does, instants are those of UTC by minutes."""
    return WORDS[language][key].format(**{name: _show(value, language) for name, value in values.items()})


def name_channel(short_channel_id: str, alias: str | None, *, language: Language) -> str:
    """With its peer's alias, unless that is more than a name."""
    peer = tame_alias(make_plain(alias or ""))
    if not peer or has_markup(alias or "") or speaks_to_assistant(alias or ""):
        return tell("nobody", language, scid=short_channel_id)
    return tell("peer", language, scid=short_channel_id, peer=peer)


def tell_error(error: str | None, language: Language) -> str:
    """What a node said, which may be anything."""
    plain = make_plain(error or "")[:MAX_ERROR_CHARS]
    return "" if not plain or speaks_to_assistant(error or "") else tell("error", language, error=plain)


def _show(value: object, language: Language) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return f"{value:,}".replace(",", NARROW_BLANK) if language == "fr" else f"{value:,}"
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, dt.datetime) else value
