"""Each rule, guard and bar in French. `{...}` are facts of the channel, by the names of `facts.py`."""

NO_DATA = "(aucune donnée)"
# The clause a rule begins the sentence with, as `Wish.reason` does in English.
RULES = {
    "static": "La règle a des valeurs fixes",
    "proportional": "Le solde local est de {local_percent} % du canal",
    "proportional/empty": "Aucun des deux côtés n'a de solde",
    "proportional/no-range": "Aucune règle ne donne le taux le plus bas et le plus haut",
    "match_peer": "Le pair demande {peer_fee_rate_ppm} ppm et {peer_base_fee_msat} msat",
    "match_peer/no-data": f"On ne sait pas ce que le pair demande {NO_DATA}",
    "cost": "L'ouverture du canal a un coût connu, que les frais doivent couvrir",
    "cost/no-data": f"On ne sait pas ce que l'ouverture du canal a coûté {NO_DATA}",
    "onchain_fee": "Les frais on-chain du moment donnent le taux",
    "onchain_fee/no-data": f"Les frais on-chain du moment ne sont pas utilisables {NO_DATA}",
    "ignore": "La règle laisse ce canal tranquille",
    "ignore_fees": "La règle laisse les frais comme ils sont",
    "disable": "La règle désactive ce canal",
    "use_config/unmatched": "Aucune règle de la configuration imbriquée ne convient",
    "flow/no-data": f"L'historique, le solde ou les frais ne sont pas connus {NO_DATA}",
    "flow/low/failing": "{peer_percent} % de la capacité avec ce pair est à nous, {failed_out_1d} paiements ont échoué "
    "faute de solde en un jour et aucun n'est entré",
    "flow/low/steady": "{peer_percent} % de la capacité avec ce pair est à nous et {failed_out_1d} paiements ont "
    "échoué faute de solde en un jour",
    "flow/middle/idle": "{peer_percent} % de la capacité avec ce pair est à nous et rien n'a circulé en {days} jours",
    "flow/middle/draining": "{peer_percent} % de la capacité avec ce pair est à nous et il en est sorti plus que la "
    "capacité en {days} jours",
    "flow/middle/steady": "{peer_percent} % de la capacité avec ce pair est à nous et le flux de {days} jours ne "
    "demande pas d'autres frais",
    "flow/excess/idle": "{peer_percent} % de la capacité avec ce pair est à nous et rien n'a circulé en {days} jours",
    "flow/excess/assisting": "{peer_percent} % de la capacité avec ce pair est à nous et, en {days} jours, ce qui en "
    "est entré a rapporté bien plus que ce qui y est sorti",
    "flow/excess/steady": "{peer_percent} % de la capacité avec ce pair est à nous et le flux de {days} jours ne "
    "demande pas de frais plus bas",
    "clboss": "Les autres demandent {median_ppm} ppm vers ce pair en médiane, ajustés selon notre solde, notre taille "
    "et le prix à l'essai",
    "clboss/no-data": f"Les frais des autres vers ce pair, ou la capacité avec lui, ne sont pas connus {NO_DATA}",
    "pid": "Le solde avec ce pair ({peer_percent} % à nous) s'écarte de sa cible, le régulateur donne le taux",
    "pid/gate": "Le solde avec ce pair ({peer_percent} % à nous) demande un changement trop petit, ou trop tôt après "
    "le dernier",
    "pid/recalibrated": "Quelqu'un d'autre a fixé les frais, le régulateur repart de là",
    "pid/no-data": f"Aucun canal public actif ne mène à ce pair {NO_DATA}",
    "lndmanage/demand": "{peer_percent} % de la capacité avec ce pair est à nous et ce qui est sorti récemment donne "
    "le facteur",
    "lndmanage/first": "Ce pair reçoit son premier prix",
    "lndmanage/no-data": f"Moins d'un jour d'historique, ou aucune capacité, est connu {NO_DATA}",
    "brln/seed": "{local_percent} % du solde est à nous, les autres demandent {mean_ppm} ppm",
    "brln/low": "{local_percent} % du solde est à nous depuis plusieurs passages, les autres demandent {mean_ppm} ppm",
    "brln/surge": "Seulement {local_percent} % du solde est à nous, les autres demandent {mean_ppm} ppm",
    "brln/top": "Aucun de nos canaux ne gagne plus, les autres demandent {mean_ppm} ppm",
    "brln/loss": "Le canal a vendu sous son coût, les autres demandent {mean_ppm} ppm",
    "brln/breaker": "Bien moins de paiements sont sortis depuis la dernière hausse",
    "brln/no-data": f"Les frais, le solde, un jour d'historique ou les frais des autres manquent {NO_DATA}",
    "fee_adjuster": "Les autres demandent {median_ppm} ppm vers ce pair en médiane, ajustés selon la tendance et le "
    "groupe",
    "fee_adjuster/no-data": f"Les frais des autres vers ce pair ne sont pas connus {NO_DATA}",
    "marginal/best": "{local_percent} % du canal est à nous et, d'après ce qui s'est vendu à quel prix, les frais "
    "actuels devraient rapporter le plus",
    "marginal/raise": "{local_percent} % du canal est à nous et, d'après ce qui s'est vendu à quel prix, des frais "
    "plus hauts devraient rapporter plus",
    "marginal/cut": "{local_percent} % du canal est à nous et, d'après ce qui s'est vendu à quel prix, des frais "
    "plus bas devraient rapporter plus",
    "marginal/no-data": f"Moins d'un jour d'historique, ou aucuns frais, est connu {NO_DATA}",
    "daily/forwarded": "{out_1d_sat} sat sont sortis par le canal en un jour",
    "daily/low": "Il ne reste que {local_sat} sat de notre côté",
    "daily/never": "Aucun paiement n'est jamais sorti par le canal",
    "daily/quiet": "Aucun paiement n'est sorti par le canal en un jour",
    "daily/away": "Le pair a été trop souvent absent",
    "daily/no-data": f"Moins d'un jour d'historique, ou aucuns frais, est connu {NO_DATA}",
}
# What a step is for, as `AIMS` of `nodes.engine.reason` in English.
AIMS = {
    "flow/low/failing": "pour vendre plus cher ce qui reste",
    "flow/middle/idle": "pour attirer des paiements",
    "flow/middle/draining": "pour vendre plus cher ce qui sort",
    "flow/excess/idle": "pour en laisser sortir plus",
    "flow/excess/assisting": "pour en laisser sortir plus",
    "daily/forwarded": "pour vendre plus cher ce qui est demandé",
    "daily/low": "pour faire durer ce qui reste",
    "daily/never": "pour attirer des paiements",
    "daily/quiet": "pour attirer des paiements",
}
TIME_OF_DAY = "Selon l'heure du jour : "
UNKNOWN_RULE = "La règle « {rule} » a parlé"
# Why a channel is not priced at all: whole sentences, as `Bar.reason`.
BARS = {
    "unmatched": "Aucune règle de la politique de frais ne convient à ce canal, il reste donc comme il est.",
    "not_synced": "Le nœud n'a pas rattrapé la chaîne : ce qu'il rapporte peut être vieux, ses frais restent donc.",
    "unknown_policy": "Le nœud n'a pas rapporté sa politique pour ce canal : sans comparaison, rien ne change.",
    "pending": "Le canal n'est pas encore confirmé dans la chaîne, ses frais restent donc comme ils sont.",
    "private": "Le canal est privé et ne relaie pour personne d'autre, ses frais restent donc comme ils sont.",
    "unannounced": "Le canal n'a pas six blocs : personne d'autre ne le connaît encore, ses frais restent donc.",
    "inactive": "Le canal n'est pas actif, ses frais restent donc comme ils sont.",
    "no_balance": "Aucun des deux côtés n'a de solde : il n'y a rien à vendre, les frais restent donc.",
    "closed": "Le canal est fermé, il n'y a donc plus de frais à fixer.",
}
# What held a wish, as `Guarded.why`.
GUARDS = {
    "capabilities": "ce type de nœud ne connaît pas tout ce qui est demandé",
    "smoothing": "on ne fait qu'une part du chemin à la fois",
    "max_step_ppm": "un pas a une longueur maximale",
    "min_fee_rate_ppm": "le taux est au plus bas permis",
    "max_fee_rate_ppm": "le taux est au plus haut permis",
    "min_base_fee_msat": "les frais de base sont au plus bas permis",
    "max_base_fee_msat": "les frais de base sont au plus haut permis",
    "positive_inbound": "des frais entrants sont une remise : LND en refuse au-dessus de 0",
    "arbitrage": "une remise entrante plus grande que les frais sortants paierait d'autres pour tourner en rond",
    "min_change_ppm": "un si petit changement ne vaut pas un message au réseau",
    "strategy_floor": "la règle a son propre taux le plus bas",
    "strategy_ceiling": "la règle a son propre taux le plus haut",
    "strategy_gate": "la règle n'écrit pas un changement si petit ou si tôt",
    "strategy_increment": "la règle n'a que des pas entiers",
    "strategy_step": "la règle avance par petits pas",
    "switches_on": "la politique de frais ne réactive pas un canal désactivé",
    "channel_bounds": "le canal lui-même n'accepte pas de tels paiements",
    "highest_rate": "aucun taux ne peut être plus haut",
    "manual_change": "quelqu'un d'autre l'a changé il y a peu, et cela est respecté",
    "rolled_back": "ce qui a été écrit a été remis comme avant il y a peu, et cela est respecté",
    "cooldown_s": "il a été changé il y a peu et se repose",
    "changes_per_day": "nous l'avons déjà changé assez souvent en 24 h",
    "oscillation": "il a déjà trop souvent fait demi-tour",
    "gossip_budget": "le réseau n'écoute pas encore la prochaine annonce de ce canal",
    "htlc_bounds": "le plus petit paiement serait au-dessus du plus grand",
    "node_changes_per_day": "le nœud a épuisé ses changements de 24 h, et d'autres rapportent plus",
    "cost_per_day": "cela coûterait plus que ce que les changements de 24 h peuvent coûter",
}
UNKNOWN_GUARD = "retenu par « {held_by} »"
FIELDS = {
    "base_fee_msat": "les frais de base passent de {old} à {new} msat",
    "inbound_fee_rate_ppm": "les frais entrants passent de {old} à {new} ppm",
    "inbound_base_fee_msat": "les frais de base entrants passent de {old} à {new} msat",
    "time_lock_delta": "le délai (time lock) passe de {old} à {new} blocs",
    "min_htlc_msat": "le plus petit paiement passe de {old} à {new} msat",
    "max_htlc_msat": "le plus grand paiement passe de {old} à {new} msat",
}
