"""New advice in one line: how much of which kind."""

from collections.abc import Mapping

from recommendations.engine.advice import Kind, Language

_KINDS: dict[Language, dict[Kind, str]] = {
    "en": {
        Kind.FEE_ADJUSTMENT: "fees",
        Kind.REBALANCE: "rebalancing",
        Kind.OPEN_CHANNEL: "channels to open",
        Kind.CLOSE_CHANNEL: "channels to close",
        Kind.LIQUIDITY: "liquidity",
        Kind.RELIABILITY: "reliability",
        Kind.COST: "costs",
        Kind.BACKUP: "backups",
    },
    "fr": {
        Kind.FEE_ADJUSTMENT: "frais",
        Kind.REBALANCE: "rééquilibrage",
        Kind.OPEN_CHANNEL: "canaux à ouvrir",
        Kind.CLOSE_CHANNEL: "canaux à fermer",
        Kind.LIQUIDITY: "liquidité",
        Kind.RELIABILITY: "fiabilité",
        Kind.COST: "coûts",
        Kind.BACKUP: "sauvegardes",
    },
}


def tell_kinds(counts: Mapping[Kind, int], language: Language) -> str:
    """The kind with most of it first: "fees 3, backups 1"."""
    ranked = sorted(counts, key=lambda kind: (-counts[kind], kind))
    return ", ".join(f"{_KINDS[language][kind]} {counts[kind]}" for kind in ranked)
