"""The words of advice in French. Names in braces are those of `values.py`."""

from recommendations.engine.words.shape import Situation, Words

SITUATIONS = {
    "fee_change": Situation(
        action="{channel} : passer les frais de {old} à {new}.",
        reason="{why}",
        explanation="Les frais sont ce que paient les autres pour passer par ce canal, en millionièmes (ppm).",
        steps=(
            "{approve}",
            "Regarder ce que rapporte le canal les jours suivants : le suivi le compare aux jours précédents.",
        ),
    ),
    "rebalance": Situation(
        action="Déplacer {amount} sat depuis {source} vers {target}, pour {max_cost} sat ({max_cost_ppm} ppm) au plus.",
        reason="Dans les {days} jours connus, {target} a vendu {drain} sat par jour de plus qu'il n'en est entré,"
        " à {target_ppm} ppm ; à ce rythme il en a encore pour {days_left} jours.{outlook} Dans {source}, ces"
        " sats valent {source_ppm} ppm. Jusqu'à {break_even} ppm rien n'est donc perdu ; la limite en est 65 %."
        "{last_hop}{paid}",
        explanation="Un rééquilibrage est un paiement à soi-même : il sort par le canal plein et revient par le vide."
        " On ne paie que les frais en chemin.",
        steps=(
            "{program}",
            (
                "Lancer la commande. Elle échoue, sans rien coûter, si aucune route n'est assez bon marché : essayer"
                " alors un dixième du montant, ou renoncer."
            ),
            "Marquer le conseil comme fait, pour que son gain soit suivi.",
        ),
    ),
    "opening/peer": Situation(
        action="Ouvrir un autre canal vers {peer}, de {ideal} sat{least}.",
        reason="Dans les {days} jours connus, vos canaux avec ce pair ont vendu {drain} sat par jour de plus qu'il n'en"
        " est entré, à {earns_ppm} ppm ; ils sont presque à sec. {ideal} sat en font environ un mois.{onchain}",
        explanation="Un canal vide de votre côté ne peut rien relayer. Un second vers le même pair continue à"
        " rapporter.",
        steps=(
            "Voir si le portefeuille du nœud contient le montant et ses frais : nous ne le voyons pas.",
            "Lancer la commande pendant que le pair est connecté.",
            "Sauvegarder ensuite les canaux.",
        ),
    ),
    "opening/stranger": Situation(
        action="Envisager un canal vers {peer}, de {ideal} sat{least}.",
        reason="Dans le graphe public il est numéro {rank} sur {nodes} par les chemins qui y passent, avec {channels}"
        " canaux.{market}{gain}{sparkseer}{onchain} Ce qu'il vendra, personne ne le sait : aucun de vos paiements"
        " ne le montre.",
        explanation="Un canal vers un nœud par où passent beaucoup de chemins vous rapproche de tous les autres.",
        steps=(
            "Voir si le portefeuille du nœud contient le montant et ses frais : nous ne le voyons pas.",
            "Se connecter au nœud (ses adresses sont dans le graphe public), puis lancer la commande.",
            "Sauvegarder ensuite les canaux.",
        ),
    ),
    "opening/suggested": Situation(
        action="Envisager un canal vers {peer}, de {ideal} sat{least}.",
        reason="Sparkseer le propose à votre nœud.{sparkseer}{onchain} Ce qu'il vendra, personne ne le sait : aucun de"
        " vos paiements ne le montre.",
        explanation="Sparkseer regarde tout le réseau de l'extérieur. Il ne voit ni vos soldes ni vos paiements.",
        steps=(
            "Voir si le portefeuille du nœud contient le montant et ses frais : nous ne le voyons pas.",
            "Se connecter au nœud (ses adresses sont dans le graphe public), puis lancer la commande.",
            "Sauvegarder ensuite les canaux.",
        ),
    ),
    "closing": Situation(
        action="Envisager de fermer {channel}, d'accord avec son pair.",
        reason="Dans les {days} jours connus il a rapporté {earned} sat.{account}{rebalance}{profit} Il contient"
        " {local} sat à vous.{others}{close_cost}",
        explanation="La fermeture ramène votre part au portefeuille, pour les frais d'une transaction. Elle peut"
        " alors servir là où elle rapporte plus.",
        steps=(
            "Se demander si ce pair sert à vos propres paiements : nous ne les voyons pas.",
            "Attendre un moment où les frais on-chain sont bas.",
            "{closing_way}",
            "Sauvegarder ensuite les canaux.",
        ),
    ),
    "one_sided/inbound": Situation(
        action="Obtenir de la liquidité entrante : {percent} % seulement des soldes sont du côté des pairs.",
        reason="Sur {total} sat dans vos canaux, {local} sont à vous. Peu peut entrer, donc peu peut être relayé.",
        explanation="On ne peut recevoir, ou prendre pour relayer, que ce que les autres ont de leur côté de vos"
        " canaux.",
        steps=(
            "Dépenser, ou échanger vers la chaîne : votre côté diminue et le leur grandit.",
            "Ou demander à d'autres d'ouvrir des canaux vers vous.",
        ),
    ),
    "one_sided/outbound": Situation(
        action="Obtenir de la liquidité sortante : {percent} % seulement des soldes sont de votre côté.",
        reason="Sur {total} sat dans vos canaux, {local} sont à vous. Peu peut sortir, donc peu peut être relayé.",
        explanation="On ne peut payer, ou relayer, que ce qu'on a de son côté de ses canaux.",
        steps=("Ouvrir des canaux avec vos propres fonds, ou échanger depuis la chaîne.",),
    ),
    "depleted": Situation(
        action="{channel} est presque vide de votre côté : le remplir, ou le rendre plus cher.",
        reason="{local} sat sur {capacity} sont à vous ({percent} %).{failed}{outlook}",
        explanation="Un canal vide ne peut rien relayer, et les payeurs qui y échouent cherchent un autre chemin.",
        steps=(
            "Augmenter ses frais : ce qui reste se vend alors moins vite et plus cher.",
            "Ou le remplir, si ce qu'il rapporte paie cela.",
        ),
    ),
    "peer_offline": Situation(
        action="{channel} : joindre son pair, il est absent.",
        reason="Le dernier rapport montre le canal comme inactif.{since}{seen} {capacity} sat y dorment.",
        explanation="Tant qu'un pair est absent, rien ne passe par le canal ; votre argent n'est pas en danger.",
        steps=(
            "Voir si d'autres canaux sont actifs : sinon, c'est votre propre connexion.",
            "{reach}",
            "S'il est absent des semaines, envisager de fermer le canal.",
        ),
    ),
    "peer_unsteady": Situation(
        action="Surveiller {channel} : son pair était là {percent} % du temps.",
        reason="Dans les {days} derniers jours où il a été observé, le pair était là {percent} % du temps. Les"
        " payeurs évitent les canaux qui échouent.",
        explanation="Un pair qui va et vient fait échouer des paiements chez vous, et les payeurs s'en souviennent.",
        steps=("Demander au pair ce qui ne va pas.", "Si cela reste ainsi, placer les sats chez un pair plus stable."),
    ),
    "stuck_htlc": Situation(
        action="Surveiller tout de suite {channel} : {way} {expires}.",
        reason="Paiements en cours : {count}, de {amount} sat en tout.{inactive} Quand l'un expire sans être réglé,"
        " le canal est fermé de force.",
        explanation="Un paiement bloqué retient ses sats jusqu'à son règlement ou son expiration. Une fermeture"
        " forcée coûte des frais on-chain, et votre argent est bloqué des jours.",
        steps=(
            "S'assurer que votre nœud tourne, est synchronisé et reste en ligne.",
            "{reach}",
            "Relancer la connexion au pair si le paiement reste.",
        ),
    ),
    "not_synced": Situation(
        action="Remettre votre nœud à jour avec la chaîne : il est en retard.",
        reason="Il annonce qu'il n'est pas synchronisé ; le dernier bloc qu'il connaît est {height}.",
        explanation="Un nœud qui ne voit pas les derniers blocs ne remarque pas qu'un pair publie un ancien état.",
        steps=(
            "Voir si bitcoind tourne, a de la place sur le disque et une connexion.",
            "Lancer la commande, et de nouveau un peu plus tard.",
        ),
    ),
    "silent": Situation(
        action="S'occuper de votre box : elle n'a rien rapporté depuis {hours} heures.",
        reason="Le dernier rapport est du {taken_at} UTC. Tous les autres conseils ici s'y fondent.",
        explanation="Sans rapports, nous ne voyons pas si votre nœud tourne.",
        steps=("Voir si la box et le nœud tournent et sont en ligne.", "Regarder le journal de l'agent."),
    ),
    "below_refill": Situation(
        action="{channel} a vendu moins cher que ne coûte son remplissage : augmenter ses frais, ou ne pas le remplir.",
        reason="Dans les {days} jours connus, ses sats sont partis à {earns_ppm} ppm, {drain} sat par jour de plus"
        " qu'il n'en est entré ; son pair à lui seul demande {refill_ppm} ppm pour les ramener."
        " {local_percent} % sont encore à vous.",
        explanation="Qui vend moins cher que ne coûte le rachat perd à chaque remplissage.",
        steps=(
            "Laisser la politique de frais le tarifer à ce que coûte un remplissage, ou plus.",
            "Ne pas rééquilibrer vers lui à ce prix.",
        ),
    ),
    "batch_opening": Situation(
        action="Ouvrir les {count} canaux conseillés ici en une seule transaction : cela économise {saved} sat.",
        reason="Un canal de plus dans la même transaction demande {vbytes} vbytes de moins qu'une à lui seul, à"
        " {rate} sat par vbyte.",
        explanation="Chaque transaction sur la chaîne paie sa taille ; plusieurs canaux en partagent une.",
        steps=("Se connecter d'abord à tous les nœuds.", "Lancer la commande.", "Sauvegarder ensuite les canaux."),
    ),
    "backup": Situation(
        action="Sauvegarder vos canaux.",
        reason="{told} {opened} S'il y a une copie ailleurs, nous ne le voyons pas.",
        explanation="Avec la seule phrase de récupération, les canaux sont perdus. La sauvegarde des canaux, qui"
        " change à chaque ouverture, fait que les pairs vous versent votre part.",
        steps=(
            "Lancer la commande et garder le fichier loin de la machine.",
            "Marquer le conseil comme fait : il revient après la prochaine ouverture.",
        ),
    ),
}

FRENCH = Words(
    article="le ",
    situations=SITUATIONS,
    known="Attendu : {mean} sat par jour ({low} à {high}){lasts}{cost}.",
    bounds="Entre {low} et {high} sat par jour : {why}.",
    none="Pas de données : {why}.",
    lasts=" pendant environ {days} jours",
    cost=", avant un coût de {sat} sat",
    cost_unknown=", avant un coût inconnu",
    extrapolated=" C'est une extrapolation : les frais changent de plus d'un facteur 2, plus que ce qui a jamais été"
    " mesuré.",
    why_none={
        "no_income_yet": "le canal n'a rien rapporté dans les jours connus",
        "new_peer": "aucun de vos paiements n'est encore passé par là",
        "no_others": "il n'y a pas d'autres canaux à comparer",
        "unseen_demand": "personne ne voit les paiements qui n'ont jamais été tentés",
        "payers_repeat": "un payeur qui échoue réessaie, les paiements refusés sont donc comptés plus d'une fois",
        "depends_on_refill": "seul le perd qui remplit à ce prix",
        "protects": "cela protège ce que vous avez et ne rapporte rien",
        "saves_once": "cela économise une fois, et rien par jour",
        "whole_node": "tout ce que rapporte le nœud en dépend",
    },
    left_out={
        "expected_to_lose": "changements de frais du dernier cycle dont on attend moins de revenus : sa politique"
        " vise autre chose",
        "too_remote": "candidats de moins de cinq canaux, ou dans la moins bonne moitié du réseau",
        "no_gainful_pair": "canaux à sec qu'aucun autre canal ne pourrait remplir avec gain",
        "done_since_report": "marqués comme faits depuis le dernier rapport",
    },
    parts={
        "sparkseer_paths": " D'après Sparkseer, votre nœud monterait de {places} au classement des chemins qui y"
        " passent.",
        "sparkseer_nearness": " D'après Sparkseer, il monterait de {places} au classement de la proximité de tous les"
        " autres.",
        "sparkseer_fees": " Sparkseer y demanderait {passive} ppm en attendant les paiements, ou {active} ppm en"
        " rééquilibrant.",
        "sparkseer_size": " La taille est celle de Sparkseer.",
        "ppm": "{ppm} ppm et {base} msat",
        "approve": "Approuver l'action : votre box écrit les frais.",
        "type": "Lancer la commande sur le nœud.",
        "last_hop": " Le pair du canal vide en prend à lui seul {ppm} ppm.",
        "lnd_circle": "Votre facture et son paiement sont une seule ligne : LND demande avant de payer.",
        "cln_circle": "Core Lightning a besoin pour cela du plugin `rebalance` de lightningd/plugins : l'installer"
        " d'abord.",
        "least": ", et pas moins de {sat} sat",
        "onchain": " Ouvrir et fermer coûte environ {sat} sat à {rate} sat par vbyte.",
        "no_onchain": " Votre nœud n'a annoncé aucun prix des frais on-chain, le coût n'est donc pas connu.",
        "market": " Les autres demandent {ppm} ppm vers lui (médiane par capacité).",
        "gain": " Il augmenterait votre proximité de tous les autres de {points} points sur 100.",
        "account": " Sa part d'ouverture et de fermeture est de {share} sat.",
        "no_account": " Ce qu'a coûté son ouverture n'est pas connu.",
        "rebalance": " Ce qu'a coûté son remplissage depuis d'autres canaux, le nœud ne le dit pas.",
        "rebalanced": " Le remplir depuis d'autres canaux a coûté {sat} sat.",
        "profit": " Cela fait un profit de {sat} sat.",
        "profit_at_most": " Le profit est donc d'au plus {sat} sat.",
        "paid": " Paiements de ce genre vers lui jusqu'ici, dans ces jours : {count}, à {ppm} ppm.",
        "paid_more": " Paiements de ce genre vers lui jusqu'ici, dans ces jours : {count}, à {ppm} ppm. C'est au-delà"
        " de la limite : une route qui la respecte est peu probable.",
        "others": " Vos autres canaux rapportent {ppm} ppm par jour de leur capacité.",
        "close_cost": " Fermer coûte environ {sat} sat.",
        "close_online": "Lancer la commande : elle ferme d'accord avec le pair, jamais de force.",
        "close_offline": "Le pair est absent : attendre son retour, puis lancer la commande. Ne pas fermer de force"
        " pour cela.",
        "failed": " Essais de paiement qui y ont échoué faute de solde dans les {days} jours connus : {count}, pour"
        " {sat} sat de frais en tout.",
        "since": " Il a été vu actif pour la dernière fois le {at} UTC.",
        "seen": " Il était actif dans {percent} % des rapports de la dernière semaine.",
        "reach_lnd": "Lancer la commande : elle montre les adresses du pair. Puis `lncli connect PUBKEY@ADRESSE`.",
        "reach_cln": "Lancer la commande : Core Lightning cherche l'adresse lui-même.",
        "incoming": "un paiement qui y entre",
        "outgoing": "un paiement qui en sort",
        "in_blocks": "expire dans {blocks} blocs",
        "expired": "a expiré",
        "inactive": " Son pair est absent.",
        "opened": "Canaux ouverts depuis : {count}, le dernier le {at} UTC.",
        "opened_none": "Canaux de votre nœud : {count}.",
        "told": "Vous nous avez parlé d'une sauvegarde du {at} UTC.",
        "told_none": "Vous ne nous avez encore parlé d'aucune sauvegarde.",
    },
)
