"""Questions to the node of `node_of_questions` and to our own texts, each with what its answer holds and lacks."""

from typing import NamedTuple


class Asked(NamedTuple):
    """`holds`: all of them are in the answer, `lacks`: none is. `language`: of the answer, where it is asked for."""

    question: str
    holds: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    language: str | None = None


RUN = "The newest run"
NOT_THERE, PAS_LA = "no channel of that name", "pas de canal de ce nom"
OTHERS, AUTRUI = "somebody else's node", "quelqu'un d'autre"
COMING, A_VENIR = "answers forecast nothing", "ne prédisent rien"
NEVER, JAMAIS = "This product never pays", "Ce produit ne paie jamais"
UNREAD, ILLISIBLE = "do not read the time", "ne sais pas lire exactement"
OPEN = ("lncli openchannel --node_key", "lightning-cli fundchannel")
CLOSE = ("lncli closechannel --chan_point TXID:INDEX --force", "lightning-cli close")

KILL = ("Stop it with the kill switch", "kill-switch")
SAVE, SAUVER = ("channel.backup", "emergency.recover", "another machine"), ("channel.backup", "sur une autre machine")
RESTORE = ("restorechanbackup", "emergencyrecover")
AWAY, ABSENT = ("watchtower", "closes that channel by force"), ("tour de guet", "ferme alors ce canal de force")
OUR_SERVICE = ("this service", "on its own", "ce service", "par lui-même")

# What records answer.
OF_THE_NODE: tuple[Asked, ...] = (
    Asked("when will my channel with ACINQ be empty?", ("ACINQ", "no data, none was made in the last three days")),
    Asked("quand mon canal avec ACINQ sera-t-il vide ?", ("ACINQ", "pas de données, aucune n'a été faite")),
    Asked("how much did I earn yesterday?", ("2026-11-03 00:00 to 2026-11-04 00:00 UTC", "2 payments", "15 sat in")),
    Asked("combien ai-je gagné hier ?", ("2026-11-03 00:00 au 2026-11-04 00:00 UTC", "2 paiements", "15 sat de")),
    Asked("how much did I earn today?", ("1 payment and", "20.5 sat in fees (20,500 msat)")),
    Asked("combien ai-je gagné aujourd'hui ?", ("1 paiement et", "20,5 sat de frais")),
    Asked("how much did I earn last month?", ("to 2026-11-01 00:00 UTC", "8 sat in", "before that nothing is known")),
    Asked("combien ai-je gagné le mois dernier ?", ("au 2026-11-01 00:00 UTC", "8 sat de", "connu du temps d'avant")),
    Asked("how much did I earn on 3 November?", ("2026-11-03 00:00 to 2026-11-04 00:00", "15 sat in")),
    Asked("how much did I earn in the last 3 days?", ("2026-11-01 12:00 to 2026-11-04 12:00", "35.5 sat in")),
    Asked("how much did the channel with ACINQ earn this week?", ("ACINQ\u201d earned 30.5 sat", "by 2 payments")),
    Asked("combien le canal avec Kraken m'a-t-il rapporté cette semaine ?", ("Kraken", "a rapporté 5 sat")),
    Asked("how many payments did I forward today?", ("1 payment",)),
    Asked("combien de paiements ai-je relayés aujourd'hui ?", ("1 paiement",)),
    Asked("which channel earns the most?", ("ACINQ\u201d earned 30.5 sat", "Iron Glacier 12")),
    Asked("quel canal rapporte le plus ?", ("ACINQ", "30,5 sat")),
    Asked("what is my best channel?", ("ACINQ\u201d earned 30.5 sat",)),
    Asked("which payments failed?", ("2 payments that it could not pass on", "Kraken", "1 of them at this node")),
    Asked("quels paiements ont échoué ?", ("2 paiements qu'il n'a pas pu relayer", "Kraken")),
    Asked("which channels are depleted?", ("8 of 13 open channels", "5 of 8 follow", "Dry Well 6")),
    Asked("quels canaux sont vides ?", ("8 canaux ouverts sur 13", "5 sur 8", "Dry Well 6")),
    Asked("is my channel with ACINQ empty?", ("4,600,000 sat of 5,000,000 sat",), ("Dry Well",)),
    Asked("what are my current fees?", ("13 channels", "from 201 to 300 ppm", "5 of 13 follow")),
    Asked("quels sont mes frais actuels ?", ("13 canaux", "de 201 à 300 ppm")),
    Asked("what is the fee to Kraken?", ("202 ppm",), ("201 ppm",)),
    Asked("quels sont les frais vers Kraken ?", ("202 ppm",), ("201 ppm",)),
    Asked("how many channels do I have?", ("13 open channels",)),
    Asked("combien de canaux ai-je ?", ("13 canaux ouverts",)),
    Asked("How much inbound liquidity do I have?", ("41,470,000 sat the peers'",)),
    Asked("combien de liquidité entrante ai-je ?", ("aux pairs",)),
    Asked("what is the balance of channel 800000x1x0?", ("4,600,000 sat",), ("decision",)),
    Asked("quel est le solde du canal 800000x1x0 ?", ("ACINQ",)),
    Asked("score of channel 800000x1x0", ("has the score 0.36 of 1", "liquidity"), ("4,600,000",)),
    Asked("quel est le score du canal 800000x1x0 ?", ("le score 0,36 sur 1", "liquidité"), ("4\u202f600",)),
    Asked("what fees did you change?", ("13 decisions moved fees", "The 5 largest moves of 13", "from 300 to 988 ppm")),
    Asked("which fees did you raise?", ("8 raised", "The 5 largest moves of 8"), ("goes down", RUN)),
    Asked("quels frais avez-vous baissés ?", ("5 en baisse", "baissent de 205 à 124 ppm"), ("montent",)),
    Asked("did you change any fee today?", ("2026-11-04 00:00 to 2026-11-04 12:00", "13 decisions")),
    Asked("did you raise the fee to ACINQ yesterday?", ("2026-11-03 00:00 to 2026-11-04 00:00", "no decision moved")),
    Asked(
        "why did you lower the fee to ACINQ?", ("from 201 to 124 ppm", "Rule: proportional"), ("Kraken", "not lowered")
    ),
    Asked(
        "pourquoi avez-vous baissé les frais vers ACINQ ?", ("de 201 à 124 ppm", "Règle : proportional"), ("Kraken",)
    ),
    Asked("why did you raise the fee to ACINQ?", ("It was lowered, not raised. Channel 800000x1x0",), ("Kraken",)),
    Asked("pourquoi avez-vous augmenté les frais vers ACINQ ?", ("Ils ont été baissés, pas augmentés. Canal",)),
    Asked("why did you keep the fee to ACINQ?", ("It did not stay, it was lowered.",), ("Kraken",)),
    Asked("why did you raise the fee to ACINQ yesterday?", ("no decision moved its fee", "lowered, not raised")),
    Asked("why did you keep the fee?", (RUN, "kept 0"), ("goes up", "goes down")),
    Asked("why did nothing change?", (RUN, "raised 8")),
    Asked("pourquoi rien n'a changé ?", ("Le dernier cycle", "augmenté 8")),
    Asked("why does ACINQ cost more than Kraken?", ("201 ppm.", "202 ppm.", "from 201 to 124", "from 202 to 124")),
    Asked("pourquoi ACINQ coûte-t-il plus que Kraken ?", ("201 ppm.", "202 ppm.", "de 201 à 124", "de 202 à 124")),
    Asked(
        "why did you lower the fee to Iron Glacier?", ("More than one peer", "Glacier 12", "Glacier West"), ("ACINQ",)
    ),
    Asked("pourquoi avez-vous baissé les frais vers Iron Glacier ?", ("Plus d'un pair", "Glacier 12", "Glacier West")),
    Asked("what mode am I in?", ("The mode is shadow",)),
    Asked("dans quel mode suis-je ?", ("Le mode est shadow",)),
    Asked("what failed on my node?", ("no change of a fee failed",)),
    Asked("qu'est-ce qui a échoué hier ?", ("2026-11-03 00:00 au 2026-11-04 00:00", "aucun changement")),
    Asked("what was rolled back on my node?", ("nothing was rolled back",)),
    Asked(
        "What is my largest channel?", ("The largest of 13 open channels", "13 of them are equal", "Channel 800000x1x0")
    ),
    Asked("Quel est mon canal le plus gros ?", ("Le plus gros de 13 canaux ouverts",)),
    Asked("Which of my channels is the emptiest?", ("The emptiest of 13 open channels", "Dry Well")),
    Asked("Lequel de mes canaux est le plus vide ?", ("Le plus vide de 13 canaux ouverts", "Dry Well")),
    Asked("Is my node synced?", ("the node is synced to the chain, at block",)),
    Asked("Mon nœud est-il synchronisé ?", ("le nœud est synchronisé avec la chaîne, au bloc",)),
    Asked("Why is my payment stuck in the channel with Kraken?", ("Kraken", "under way (HTLC", "goes out with 9,000")),
    Asked("Pourquoi mon paiement est-il bloqué dans le canal avec Kraken ?", ("Kraken", "en cours (HTLC", "L'un sort")),
    Asked("why is my payment stuck in channel 800000x1x0?", ("ACINQ", "no payment under way (HTLC)")),
)
# What neither records nor texts answer: it is said, and why.
REFUSED: tuple[Asked, ...] = (
    Asked("how much did ACINQ earn yesterday?", (OTHERS,), ("earned",)),
    Asked("combien a gagné ACINQ hier ?", (AUTRUI,), ("rapporté",)),
    Asked("how much does my neighbour earn?", (OTHERS,)),
    Asked("combien gagne mon voisin ?", (AUTRUI,)),
    Asked("what is the fee of the channel between Alice and Bob?", (OTHERS,), ("ppm",)),
    Asked("quels sont les frais du canal entre Alice et Bob ?", (AUTRUI,), ("ppm",)),
    Asked("how much will I earn next month?", (COMING, "Name a time that is over"), ("earned",)),
    Asked("combien vais-je gagner demain ?", (A_VENIR,)),
    Asked("Can you send a payment of 1000 sat to Bob?", (NEVER,)),
    Asked("Peux-tu envoyer un paiement de 1000 sat à Bob ?", (JAMAIS,)),
    Asked("how much did I earn in 2024?", ("known from 2026-10-25 12:00 UTC on",), ("earned",)),
    Asked("combien ai-je gagné en 2024 ?", ("connus depuis le 2026-10-25 12:00 UTC",)),
    Asked("how much did I earn last summer?", (UNREAD,)),
    Asked("combien ai-je gagné ce matin ?", (ILLISIBLE,)),
    Asked("why did you raise the fee to Bitrefill?", (NOT_THERE, "Bitrefill"), (RUN, "Channel 8", "goes")),
    Asked("why did you raise the fee to bitrefill?", (NOT_THERE,), (RUN, "Channel 8")),
    Asked("pourquoi avez-vous augmenté les frais vers Bitrefill ?", (PAS_LA, "Bitrefill"), ("Canal 8",)),
    Asked("why is the fee to ACINQUE so high?", (NOT_THERE, "similar names: \u201cACINQ\u201d")),
    Asked("pourquoi les frais vers Krakken sont-ils si élevés ?", (PAS_LA, "semblables", "Kraken")),
    Asked("balance of 999999x1x1", (NOT_THERE, "999999x1x1", "Name a channel by its id")),
    Asked("why is the fee to Dry Well so high?", ("which one is meant", "Dry Well 9")),
    Asked("¿Cómo obtengo liquidez entrante?", ("English and in French",), ("Liquidité",)),
    Asked("Wie bekomme ich eingehende Liquidität?", ("English and in French",), ("nœud",)),
    Asked("what is the capital of Peru?", ("I found nothing", "POST /api/v1/knowledge/documents"), ("Nearest",)),
    Asked("quelle est la capitale du Pérou ?", ("Je n'ai rien trouvé",), ("Le plus proche",)),
    Asked("who won the football match yesterday?", ("I found nothing",)),
)
# What our own texts answer: from the section whose heading asks it, whole, in the language of the answer.
OF_THE_LIBRARY: tuple[Asked, ...] = (
    Asked("How do I open a channel?", ("On LND, with a fee you chose yourself:", *OPEN)),
    Asked("Comment ouvrir un canal ?", ("Avec LND", *OPEN)),
    Asked("How do I open a channel with ACINQ?", OPEN, ("4,600,000",)),
    Asked("How do I close a channel?", CLOSE),
    Asked("Comment fermer un canal ?", CLOSE),
    Asked("how do I get inbound liquidity?", ("Four ways", "Spend:", "Swap out:", "Be opened to:", "Buy:")),
    Asked("comment obtenir de la liquidité entrante ?", ("Quatre voies", "Dépenser :", "Acheter :"), ("liquidity",)),
    Asked("how do I get inbound liquidity?", ("Quatre voies", "Acheter :"), ("Four ways",), "fr"),
    Asked("comment obtenir de la liquidité entrante ?", ("Four ways", "Buy:"), ("Quatre",), "en"),
    Asked("Is an unbalanced channel a problem?", ("is no problem by itself.",)),
    Asked("Is my seed enough to get everything back?", ("No, the seed alone is not enough. It gives back",)),
    Asked("What can a routing node earn?", ("A routing node earns less than many hope.",), ("43.5",)),
    Asked("Do I need a watchtower?", ("lncli wtclient add",)),
    Asked("How do I give a program limited access to LND?", ("lncli bakemacaroon",), ("createrune",)),
    Asked("how do I stop everything at once?", KILL),
    Asked("Pourquoi mon paiement a-t-il échoué ?", ("Chez vous", "Essayez un montant plus petit"), ("changement",)),
    Asked("mes données sont-elles chiffrées ?", ("AES-256-GCM",), ("sealed",)),
    Asked("What do I do after a power failure?", ("Prepare four things",), ("change of a fee", "tower")),
    Asked("How do I restore channels from a static backup?", ("lncli restorechanbackup",)),
    Asked("How do I back up my channels on LND?", SAVE, RESTORE),
    Asked("Comment sauvegarder mes canaux sur LND ?", SAUVER, RESTORE),
    Asked("Comment sauvegarder mes canaux sur Core Lightning ?", SAUVER, RESTORE),
    Asked("How do I back up Core Lightning?", ("emergency.recover",), RESTORE),
    Asked("What happens if my node is offline for two weeks?", AWAY, OUR_SERVICE),
    Asked("Que se passe-t-il si mon nœud est hors ligne pendant deux semaines ?", ABSENT, OUR_SERVICE),
    Asked("What happens to my node if this service is down?", ("If this service is down, nothing happens",)),
    Asked("Que devient mon nœud si ce service tombe en panne ?", ("Si ce service tombe en panne, rien",)),
    Asked("How do I create an API key?", ("api-keys", "dz_live_"), ("BotFather",)),
    Asked("Comment créer une clé API ?", ("api-keys", "dz_live_"), ("BotFather",)),
    Asked("How do I get webhooks?", ("/api/v1/webhooks", "whsec_")),
    Asked("Comment recevoir des webhooks ?", ("/api/v1/webhooks", "whsec_")),
    Asked("Where do I see recommendations?", ("/recommendations",)),
    Asked("Où voir les recommandations ?", ("/recommendations",)),
    Asked("How do I stop Dazbox from changing my fees right now?", KILL),
    Asked("Comment empêcher Dazbox de changer mes frais tout de suite ?", ("Arrêtez-le par l'arrêt d'urgence",)),
    Asked("What is an HTLC?", ("An HTLC (hash time-locked contract) is",)),
    Asked("Qu'est-ce qu'un HTLC ?", ("Un HTLC (contrat à empreinte et à échéance) est",)),
    Asked("Difference between base fee and fee rate?", ("The base fee is the same for each payment",)),
    Asked("Différence entre frais de base et taux de frais ?", ("Les frais de base sont les mêmes",)),
    Asked("What is a preimage?", ("A preimage is the secret",)),
    Asked("What is a channel?", ("A channel is a sum",)),
    Asked("Qu'est-ce que l'alias d'un nœud ?", ("L'alias d'un nœud est",)),
    Asked("why is one of my channels inactive?", ("\u201c",), ("Nearest",)),
)
