"""What records tell about the node of the tenant we are in: the decision log, live state, actions, forwards.

Each fact has the id of its record, so that whoever reads an answer can look it up: `decision:123`, `node:mode`,
`channel:800000x1x0`, `action:<uuid>`, `run:<uuid>`, `forwards:<since>/<until>`,
`forecast:800000x1x0`.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from functools import partial

from nodes.models.channel import Channel
from rag.engine.evidence import Evidence, Language
from rag.engine.intent.value import Intent, Topic
from recommendations.pipeline.facts.action import tell_failures, tell_rolled_back
from recommendations.pipeline.facts.asked import Asked
from recommendations.pipeline.facts.channel import tell_depleted, tell_fees, tell_score, tell_state
from recommendations.pipeline.facts.decision import tell_changes, tell_comparison, tell_unchanged, tell_why
from recommendations.pipeline.facts.extreme import tell_extreme
from recommendations.pipeline.facts.forward import tell_best_earner, tell_earnings, tell_failed_payments
from recommendations.pipeline.facts.outlook import tell_depletion
from recommendations.pipeline.facts.pending import tell_pending
from recommendations.pipeline.facts.run import tell_held, tell_mode, tell_synced

TELLERS: dict[Topic, Callable[[Asked], Iterable[Evidence]]] = {
    "why_fee": tell_why,
    "compare": tell_comparison,
    "changes": tell_changes,
    "unchanged": tell_unchanged,
    "held": tell_held,
    "state": tell_state,
    "fees": tell_fees,
    "score": tell_score,
    "depleted": tell_depleted,
    "depletion": tell_depletion,
    "mode": tell_mode,
    "earnings": tell_earnings,
    "best_earner": tell_best_earner,
    "failures": tell_failures,
    "failed_payments": tell_failed_payments,
    "rolled_back": tell_rolled_back,
    "largest": partial(tell_extreme, key="largest"),
    "smallest": partial(tell_extreme, key="smallest"),
    "emptiest": partial(tell_extreme, key="emptiest"),
    "fullest": partial(tell_extreme, key="fullest"),
    "synced": tell_synced,
    "pending": tell_pending,
}


def gather_facts(
    intent: Intent, channels: dict[str, Channel], *, language: Language, now: dt.datetime
) -> list[Evidence]:
    """Of every topic asked about, each fact once."""
    asked = Asked(intent, language, now, channels)
    facts = [fact for topic in intent.topics for fact in TELLERS[topic](asked)]
    return list({fact.id: fact for fact in facts}.values())
