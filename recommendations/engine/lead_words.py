"""What is said of a question about the node that its records do not answer, or not as it was asked."""

from rag.engine.evidence import Language
from rag.engine.intent.value import Gap, Intent

GAPS: dict[Language, dict[Gap, str]] = {
    "en": {
        "forecast": "That is still to come, and answers forecast nothing but when a channel is empty: records tell of"
        " what was. Forecasts of each channel's flow are under `GET /api/v1/node/{pubkey}/forecasts`; what an advice"
        " may bring a day is under `GET /api/v1/node/{pubkey}/recommendations`.",
        "others": "That is about somebody else's node: the records here tell of yours alone.",
        "time": "I do not read the time in this question exactly, so I do not answer for another.",
        "which": "More than three peers have such a name: which one is meant?",
        "order": "This product never pays, and opens, closes and rebalances no channel: it reads your node, and sets"
        " fees where you allow it. Do that with your node itself.",
    },
    "fr": {
        "forecast": "Cela est encore à venir, et les réponses ne prédisent rien sinon quand un canal sera vide :"
        " les données parlent du passé. Les prévisions du flux de chaque canal sont sous"
        " `GET /api/v1/node/{pubkey}/forecasts` ; ce qu'un conseil peut rapporter par jour, sous"
        " `GET /api/v1/node/{pubkey}/recommendations`.",
        "others": "Il s'agit du nœud de quelqu'un d'autre : les données d'ici ne parlent que du vôtre.",
        "time": "Je ne sais pas lire exactement la période demandée, je ne réponds donc pas pour une autre.",
        "which": "Plus de trois pairs portent un tel nom : lequel est visé ?",
        "order": "Ce produit ne paie jamais, et n'ouvre, ne ferme ni ne rééquilibre aucun canal : il lit votre nœud, et"
        " fixe des frais si vous le permettez. Faites cela avec votre nœud lui-même.",
    },
}
LEADS: dict[Language, dict[str, str]] = {
    "en": {
        "no_such_channel": "Your node has no channel of that name: {names}.",
        "no_such_nameless": "Your node has no channel of that name: check the id, the alias or the key.",
        "similar": " Peers with similar names: {names}.",
        "shared": "More than one peer has such a name ({names}): each is told.",
        "no_records": "The records of your node hold nothing on this yet.",
        "no_forwards": "Your node has not reported its forwards, so nothing is known of them.",
        "known_since": "The forwards of your node are known from {since} UTC on, and of the time before nothing is.",
    },
    "fr": {
        "no_such_channel": "Votre nœud n'a pas de canal de ce nom : {names}.",
        "no_such_nameless": "Votre nœud n'a pas de canal de ce nom : vérifiez l'identifiant, l'alias ou la clé.",
        "similar": " Pairs aux noms semblables : {names}.",
        "shared": "Plus d'un pair porte un tel nom ({names}) : chacun est cité.",
        "no_records": "Les données de votre nœud ne contiennent encore rien à ce sujet.",
        "no_forwards": "Votre nœud n'a pas signalé ses paiements relayés, on n'en sait donc rien.",
        "known_since": "Les paiements relayés par votre nœud sont connus depuis le {since} UTC, rien d'avant.",
    },
}
NAME_A_CHANNEL: dict[Language, str] = {
    "en": "Name a channel by its id (800000x1x0), its peer's alias or its peer's public key.",
    "fr": "Nommez un canal par son identifiant (800000x1x0), l'alias ou la clé publique de son pair.",
}
NAME_A_TIME: dict[Language, str] = {
    "en": "Name a time that is over, in UTC: yesterday, last week, October, 2026-11-03, the last 30 days.",
    "fr": "Nommez une période passée, en UTC : hier, la semaine dernière, octobre, 2026-11-03, les 30 derniers jours.",
}
OWN_SUBJECTS: dict[Language, str] = {
    "en": "Of your node you can ask: why a fee moved, what changed or is held, balances, fees, scores, depleted"
    " channels, earnings, failures, the mode.",
    "fr": "Sur votre nœud, demandez : pourquoi des frais ont changé, ce qui a changé ou est retenu, soldes, frais,"
    " scores, canaux épuisés, gains, échecs, mode.",
}


def list_own_help(intent: Intent, language: Language) -> tuple[str, ...]:
    """For a question about the node."""
    if intent.gap in {"others", "order"}:
        return (OWN_SUBJECTS[language],)
    if intent.unknown or intent.gap == "which":
        return (NAME_A_CHANNEL[language],)
    return (NAME_A_TIME[language],) if intent.gap or intent.span else (NAME_A_CHANNEL[language], OWN_SUBJECTS[language])
