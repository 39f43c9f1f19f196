"""What the library is asked for each kind of advice: as the product's own texts ask it."""

from recommendations.engine.advice import Kind, Language

QUESTIONS: dict[Language, dict[Kind, str]] = {
    "en": {
        Kind.FEE_ADJUSTMENT: "Are my fees too low or too high?",
        Kind.REBALANCE: "How much may a rebalance cost?",
        Kind.OPEN_CHANNEL: "How do I choose a peer?",
        Kind.CLOSE_CHANNEL: "When is a channel worth closing?",
        Kind.LIQUIDITY: "Is an unbalanced channel a problem?",
        Kind.RELIABILITY: "Why is one of my channels inactive?",
        Kind.COST: "How do I work out whether a channel is profitable?",
        Kind.BACKUP: "What must I back up?",
    },
    "fr": {
        Kind.FEE_ADJUSTMENT: "Mes frais sont-ils trop bas ou trop élevés ?",
        Kind.REBALANCE: "Combien un rééquilibrage peut-il coûter au plus ?",
        Kind.OPEN_CHANNEL: "Comment choisir un pair ?",
        Kind.CLOSE_CHANNEL: "Quand un canal mérite-t-il d'être fermé ?",
        Kind.LIQUIDITY: "Un canal déséquilibré est-il un problème ?",
        Kind.RELIABILITY: "Pourquoi un de mes canaux est-il inactif ?",
        Kind.COST: "Comment calculer la rentabilité d'un canal ?",
        Kind.BACKUP: "Que dois-je sauvegarder ?",
    },
}
