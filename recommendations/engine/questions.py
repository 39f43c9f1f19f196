"""What the library is asked for each situation an advice speaks of: as the product's own texts ask it."""

from recommendations.engine.advice import Advice, Language
from recommendations.engine.params import Backup, Closing, FeeChange
from recommendations.engine.words.values import name_situation

QUESTIONS: dict[Language, dict[str, str]] = {
    "en": {
        "fee_change/rate": "Are my fees too low or too high?",
        "fee_change/base": "Should I charge a base fee?",
        "fee_change/other": "How does this product decide on a fee?",
        "rebalance": "How much may a rebalance cost?",
        "opening/peer": "How do I get outbound liquidity?",
        "opening/stranger": "How do I choose a peer?",
        "opening/suggested": "How large should a channel be?",
        "closing/online": "When is a channel worth closing?",
        "closing/offline": "My peer has been gone for weeks. What should I do?",
        "one_sided/inbound": "How do I get inbound liquidity so that people can pay me?",
        "one_sided/outbound": "How do I get outbound liquidity?",
        "depleted": "Is an unbalanced channel a problem?",
        "peer_offline": "Why is one of my channels inactive?",
        "peer_unsteady": "How do I choose a peer?",
        "stuck_htlc": "A payment is stuck, neither done nor failed. Is my money lost?",
        "not_synced": "Why is my node not synced?",
        "silent": "How long may my node be off?",
        "below_refill": "When should I not rebalance?",
        "batch_opening": "When are on-chain fees cheap?",
        "backup/first": "What must I back up?",
        "backup/again": "How do I back up my channels on LND or Core Lightning?",
    },
    "fr": {
        "fee_change/rate": "Mes frais sont-ils trop bas ou trop élevés ?",
        "fee_change/base": "Faut-il des frais de base ?",
        "fee_change/other": "Comment ce produit décide-t-il des frais ?",
        "rebalance": "Combien un rééquilibrage peut-il coûter au plus ?",
        "opening/peer": "Comment obtenir de la liquidité sortante ?",
        "opening/stranger": "Comment choisir un pair ?",
        "opening/suggested": "Quelle taille donner à un canal ?",
        "closing/online": "Quand un canal mérite-t-il d'être fermé ?",
        "closing/offline": "Mon pair a disparu depuis des semaines. Que faire ?",
        "one_sided/inbound": "Comment obtenir de la liquidité entrante pour pouvoir être payé ?",
        "one_sided/outbound": "Comment obtenir de la liquidité sortante ?",
        "depleted": "Un canal déséquilibré est-il un problème ?",
        "peer_offline": "Pourquoi un de mes canaux est-il inactif ?",
        "peer_unsteady": "Comment choisir un pair ?",
        "stuck_htlc": "Mon paiement est bloqué, ni réussi ni échoué. L'argent est-il perdu ?",
        "not_synced": "Pourquoi mon nœud n'est-il pas synchronisé ?",
        "silent": "Combien de temps mon nœud peut-il rester éteint ?",
        "below_refill": "Quand vaut-il mieux ne pas rééquilibrer ?",
        "batch_opening": "Quand les frais on-chain sont-ils bas ?",
        "backup/first": "Que dois-je sauvegarder ?",
        "backup/again": "Comment sauvegarder mes canaux sur LND ou Core Lightning ?",
    },
}


def name_cited(advice: Advice) -> str:
    """The key of its question: the situation its words tell of, and what in it makes another section fit."""
    situation = name_situation(advice.params)
    match advice.params:
        case FeeChange() as fee:
            return f"{situation}/{_name_fee(fee)}"
        case Closing(is_active=is_active):
            return f"{situation}/{'online' if is_active else 'offline'}"
        case Backup(told_at=told_at):
            return f"{situation}/{'first' if told_at is None else 'again'}"
    return situation


def _name_fee(fee: FeeChange) -> str:
    if fee.old_ppm != fee.new_ppm:
        return "rate"
    return "base" if fee.old_base_msat != fee.new_base_msat else "other"
