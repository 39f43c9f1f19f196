"""The words of advice in English. Names in braces are those of `values.py`."""

from recommendations.engine.words.shape import Situation, Words

SITUATIONS = {
    "fee_change": Situation(
        action="{channel}: change the fee from {old} to {new}.",
        reason="{why}",
        explanation="The fee is what others pay you for sending through this channel, in parts of a million (ppm).",
        steps=(
            "{approve}",
            "Look at what the channel earns in the days after: the follow-up compares it with the days before.",
        ),
    ),
    "rebalance": Situation(
        action="Move {amount} sat from {source} to {target}, for {max_cost} sat ({max_cost_ppm} ppm) at most.",
        reason="In the {days} days known {target} sold {drain} sat a day more than came in, at {target_ppm} ppm;"
        " at that pace it has enough for {days_left} days.{outlook} In {source} these sats are worth {source_ppm} ppm."
        " So up to"
        " {break_even} ppm nothing is lost; the limit is 65 % of that.{last_hop}{paid}",
        explanation="A rebalance is a payment to yourself: it leaves by the full channel and comes back by the empty"
        " one. You only pay the fees on the way.",
        steps=(
            "{program}",
            (
                "Run the command. It fails, and costs nothing, where no route is cheap enough: then try a tenth of"
                " the amount, or leave it."
            ),
            "Mark the advice as done, so that its gain is followed.",
        ),
    ),
    "opening/peer": Situation(
        action="Open another channel to {peer}, of {ideal} sat{least}.",
        reason="In the {days} days known your channels with this peer sold {drain} sat a day more than came in, at"
        " {earns_ppm} ppm; they are nearly dry. {ideal} sat are about a month of that.{onchain}",
        explanation="A channel that is empty on your side can send nothing on. A second one to the same peer keeps"
        " earning.",
        steps=(
            "Look whether the wallet of the node holds the amount and its fee: we do not see it.",
            "Run the command while the peer is connected.",
            "Back up the channels afterwards.",
        ),
    ),
    "opening/stranger": Situation(
        action="Consider a channel to {peer}, of {ideal} sat{least}.",
        reason="In the public graph it is number {rank} of {nodes} by the paths that pass through it, with {channels}"
        " channels.{market}{gain}{sparkseer}{onchain} What it will sell nobody knows: none of your payments shows it.",
        explanation="A channel to a node that many paths lead through brings you nearer to everybody else.",
        steps=(
            "Look whether the wallet of the node holds the amount and its fee: we do not see it.",
            "Connect to the node (its addresses stand in the public graph), then run the command.",
            "Back up the channels afterwards.",
        ),
    ),
    "opening/suggested": Situation(
        action="Consider a channel to {peer}, of {ideal} sat{least}.",
        reason="Sparkseer suggests it to your node.{sparkseer}{onchain} What it will sell nobody knows: none of your"
        " payments shows it.",
        explanation="Sparkseer looks at the whole network from outside. It does not see your balances and payments.",
        steps=(
            "Look whether the wallet of the node holds the amount and its fee: we do not see it.",
            "Connect to the node (its addresses stand in the public graph), then run the command.",
            "Back up the channels afterwards.",
        ),
    ),
    "closing": Situation(
        action="Consider closing {channel}, together with its peer.",
        reason="In the {days} days known it earned {earned} sat.{account}{rebalance}{profit} It holds {local} sat"
        " of yours.{others}{close_cost}",
        explanation="Closing brings your share back to the wallet, for the fee of one transaction. It can then be"
        " used where it earns more.",
        steps=(
            "Ask yourself whether you need this peer for payments of your own: we do not see those.",
            "Wait for a time of low on-chain fees.",
            "{closing_way}",
            "Back up the channels afterwards.",
        ),
    ),
    "one_sided/inbound": Situation(
        action="Get inbound liquidity: only {percent} % of all balances are on the peers' side.",
        reason="Of {total} sat in your channels {local} are yours. Little can come in, so little can be passed on.",
        explanation="You can only receive, or take in to pass on, what others have on their side of your channels.",
        steps=(
            "Spend, or swap out to the chain: your side gets smaller and theirs larger.",
            "Or ask others to open channels to you.",
        ),
    ),
    "one_sided/outbound": Situation(
        action="Get outbound liquidity: only {percent} % of all balances are on your side.",
        reason="Of {total} sat in your channels {local} are yours. Little can go out, so little can be passed on.",
        explanation="You can only pay, or pass on, what you have on your side of your channels.",
        steps=("Open channels with coins of your own, or swap in from the chain.",),
    ),
    "depleted": Situation(
        action="{channel} is nearly empty on your side: fill it, or make it dearer.",
        reason="{local} of {capacity} sat are yours ({percent} %).{failed}{outlook}",
        explanation="An empty channel cannot pass on payments, and payers who fail there look for another way.",
        steps=(
            "Raise its fee: what is left then sells more slowly and for more.",
            "Or refill it, if what it earns pays for that.",
        ),
    ),
    "peer_offline": Situation(
        action="Reach the peer of {channel}: it is away.",
        reason="The newest report shows the channel as not active.{since}{seen} {capacity} sat rest in it.",
        explanation="While a peer is away nothing can be sent through the channel; your money is not in danger.",
        steps=(
            "See whether other channels are active: if not, it is your own connection.",
            "{reach}",
            "If it is away for weeks, consider closing the channel.",
        ),
    ),
    "peer_unsteady": Situation(
        action="Keep an eye on {channel}: its peer was there for {percent} % of the time.",
        reason="In the last {days} days it was watched the peer was there for {percent} % of the time. Payers avoid"
        " channels that fail.",
        explanation="A peer that comes and goes makes payments through you fail, and payers remember that.",
        steps=("Ask the peer what is wrong.", "If it stays so, move the sats to a steadier peer."),
    ),
    "stuck_htlc": Situation(
        action="Look after {channel} now: {way} {expires}.",
        reason="Payments under way in it: {count}, of {amount} sat in all.{inactive} When one expires unsettled, the"
        " channel is closed by force.",
        explanation="A payment that hangs locks its sats until it is settled or expires. A forced closing costs"
        " on-chain fees, and your money is locked for days.",
        steps=(
            "Make sure that your node runs, is synced and stays online.",
            "{reach}",
            "Restart the connection to the peer if the payment stays.",
        ),
    ),
    "not_synced": Situation(
        action="Bring your node up to the chain: it is behind.",
        reason="It reports that it is not synced; the last block it knows is {height}.",
        explanation="A node that does not see the newest blocks does not notice when a peer publishes an old state.",
        steps=(
            "See whether bitcoind runs, has disk space and a connection.",
            "Run the command, and again after a while.",
        ),
    ),
    "silent": Situation(
        action="Look after your box: it has not reported for {hours} hours.",
        reason="The newest report is of {taken_at} UTC. All other advice here stands on that.",
        explanation="Without reports we cannot see whether your node runs.",
        steps=("See whether box and node run and are online.", "Look into the log of the agent."),
    ),
    "below_refill": Situation(
        action="{channel} sold below what it costs to refill: raise its fee, or do not refill it.",
        reason="In the {days} days known its sats left at {earns_ppm} ppm, {drain} sat a day more than came in; its"
        " peer alone charges {refill_ppm} ppm for bringing them back. {local_percent} % are still yours.",
        explanation="Who sells for less than the goods cost to buy again loses with each refill.",
        steps=(
            "Let the fee policy price it at what a refill costs, or above.",
            "Do not rebalance into it at that price.",
        ),
    ),
    "batch_opening": Situation(
        action="Open the {count} channels advised here in one transaction: that saves {saved} sat.",
        reason="A channel more in the same transaction needs {vbytes} vbytes less than one of its own, at {rate} sat"
        " a vbyte.",
        explanation="Each transaction on the chain pays for its size; several channels share one.",
        steps=("Connect to all of the nodes first.", "Run the command.", "Back up the channels afterwards."),
    ),
    "backup": Situation(
        action="Back up your channels.",
        reason="{told} {opened} Whether there is a copy elsewhere we cannot see.",
        explanation="With the seed alone channels are lost. The channel backup, which changes with each opening, lets"
        " peers pay you your share.",
        steps=(
            "Run the command and keep the file away from the machine.",
            "Mark the advice as done: it comes back after the next opening.",
        ),
    ),
}

ENGLISH = Words(
    article="",
    situations=SITUATIONS,
    known="Expected: {mean} sat a day ({low} to {high}){lasts}{cost}.",
    bounds="Between {low} and {high} sat a day: {why}.",
    none="No data: {why}.",
    lasts=" for about {days} days",
    cost=", before a cost of {sat} sat",
    cost_unknown=", before a cost that is not known",
    extrapolated=" That is extrapolated: the fee changes by more than a factor of 2, further than was ever measured.",
    why_none={
        "no_income_yet": "the channel earned nothing in the days known",
        "new_peer": "none of your payments went that way yet",
        "no_others": "there are no other channels to compare with",
        "unseen_demand": "nobody sees the payments that were never tried",
        "payers_repeat": "a payer who fails tries again, so refused payments are counted more than once",
        "depends_on_refill": "it is lost only by who refills at that price",
        "protects": "it protects what you have and earns nothing",
        "saves_once": "it saves once, and nothing by the day",
        "whole_node": "all that the node earns hangs on it",
    },
    left_out={
        "expected_to_lose": "fee changes of the newest run that are expected to earn less: its policy has another aim",
        "too_remote": "candidates with fewer than five channels, or in the worse half of the network",
        "no_gainful_pair": "dry channels with no other channel that could fill them at a gain",
        "done_since_report": "marked as done since the newest report",
    },
    parts={
        "sparkseer_paths": " By Sparkseer's reckoning your node would rise by {places} in rank by the paths that pass"
        " through it.",
        "sparkseer_nearness": " By Sparkseer's reckoning it would rise by {places} in rank by nearness to all others.",
        "sparkseer_fees": " Sparkseer would charge {passive} ppm there and wait for payments, or {active} ppm and"
        " rebalance.",
        "sparkseer_size": " The size is Sparkseer's.",
        "ppm": "{ppm} ppm and {base} msat",
        "approve": "Approve the action: your box writes the fee.",
        "type": "Run the command on the node.",
        "last_hop": " Of that the peer of the empty channel alone takes {ppm} ppm.",
        "lnd_circle": "Your invoice and its payment are one line: LND asks before it pays.",
        "cln_circle": "Core Lightning needs the plugin `rebalance` of lightningd/plugins for this: install it first.",
        "least": ", and not below {sat} sat",
        "onchain": " Opening and closing cost about {sat} sat at {rate} sat a vbyte.",
        "no_onchain": " Your node told no price of on-chain fees, so what it costs is not known.",
        "market": " Others charge {ppm} ppm towards it (median by capacity).",
        "gain": " It would raise your closeness to all others by {points} points of 100.",
        "account": " Its share of opening and closing is {share} sat.",
        "no_account": " What opening it cost is not known.",
        "rebalance": " What refilling it from other channels cost the node does not tell.",
        "rebalanced": " Refilling it from other channels cost {sat} sat.",
        "profit": " That is a profit of {sat} sat.",
        "profit_at_most": " So the profit is at most {sat} sat.",
        "paid": " Payments of this kind into it so far, in these days: {count}, at {ppm} ppm.",
        "paid_more": " Payments of this kind into it so far, in these days: {count}, at {ppm} ppm. That is beyond the"
        " limit: a route within it is not likely.",
        "others": " Your other channels earn {ppm} ppm a day of their capacity.",
        "close_cost": " Closing costs about {sat} sat.",
        "close_online": "Run the command: it closes together with the peer, never by force.",
        "close_offline": "The peer is away: wait until it is back, then run the command. Do not close by force for"
        " this.",
        "failed": " Attempts to pay that failed there for want of balance in the {days} days known: {count}, with fees"
        " of {sat} sat in all.",
        "since": " It was last seen active at {at} UTC.",
        "seen": " It was active in {percent} % of the reports of the last week.",
        "reach_lnd": "Run the command: it shows the addresses of the peer. Then `lncli connect PUBKEY@ADDRESS`.",
        "reach_cln": "Run the command: Core Lightning looks for the address itself.",
        "incoming": "a payment that comes in by it",
        "outgoing": "a payment that leaves by it",
        "in_blocks": "expires in {blocks} blocks",
        "expired": "has expired",
        "inactive": " Its peer is away.",
        "opened": "Channels opened since: {count}, the newest at {at} UTC.",
        "opened_none": "Channels of your node: {count}.",
        "told": "You told us of a backup at {at} UTC.",
        "told_none": "You told us of no backup yet.",
    },
)
