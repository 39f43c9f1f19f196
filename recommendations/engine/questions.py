"""What the library is asked for each kind of advice."""

from recommendations.engine.advice import Kind, Language

QUESTIONS: dict[Language, dict[Kind, str]] = {
    "en": {
        Kind.FEE_ADJUSTMENT: "When should I raise or lower the fee of a channel?",
        Kind.REBALANCE: "How much may a rebalance cost?",
        Kind.OPEN_CHANNEL: "How do I choose a peer to open a channel to?",
        Kind.CLOSE_CHANNEL: "When is a channel worth closing?",
        Kind.LIQUIDITY: "How do I get inbound liquidity?",
        Kind.RELIABILITY: "Why is my channel inactive and the peer offline?",
        Kind.COST: "How do I know what a channel earns after its costs?",
        Kind.BACKUP: "What must I back up?",
    },
    "fr": {
        Kind.FEE_ADJUSTMENT: "Quand faut-il augmenter ou baisser les frais d'un canal ?",
        Kind.REBALANCE: "Combien peut coûter un rééquilibrage ?",
        Kind.OPEN_CHANNEL: "Comment choisir un pair pour ouvrir un canal ?",
        Kind.CLOSE_CHANNEL: "Quand vaut-il la peine de fermer un canal ?",
        Kind.LIQUIDITY: "Comment obtenir de la liquidité entrante ?",
        Kind.RELIABILITY: "Pourquoi mon canal est-il inactif ?",
        Kind.COST: "Comment savoir ce que rapporte un canal après ses coûts ?",
        Kind.BACKUP: "Que faut-il sauvegarder ?",
    },
}
