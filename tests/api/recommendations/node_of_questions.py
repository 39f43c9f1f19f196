"""A node with records of every kind, at a fixed hour: what the table of questions is asked of."""

import datetime as dt

from nodes.engine.report import PendingHtlc
from nodes.models.action import Action
from nodes.models.decision import CycleRun, Decision
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from rag.pipeline.answer import compose
from recommendations.pipeline.ask import gather_evidence
from recommendations.pipeline.told import AskAnswer, describe_answer
from tenants.context import enter_tenant
from tests.factories import TAKEN_AT, Box, make_channel, make_forward, make_policy, make_snapshot

NOW = TAKEN_AT + dt.timedelta(days=3)  # Wednesday, 4 November 2026, 12:00 UTC
DECIDED_AT = NOW - dt.timedelta(hours=2)
FULL = {"local_balance_sat": 4_600_000, "remote_balance_sat": 390_000}
DRY = {"local_balance_sat": 50_000, "remote_balance_sat": 4_940_000}
ALIASES = {1: "ACINQ", 2: "Kraken", 3: "Iron Glacier 12", 4: "Iron Glacier West", 5: "Blue Lagoon"}
UNDER_WAY = {2: [PendingHtlc(incoming=False, amount_sat=9_000, expiration_height=800_144)]}
FORWARDS = (  # hours before NOW, out by, fee in msat, status
    (4, 1, 20_500, "settled"),  # today
    (30, 1, 10_000, "settled"),  # yesterday, 3 November
    (33, 2, 5_000, "settled"),
    (34, 2, 0, "failed"),
    (35, 2, 0, "local_failed"),
    (24 * 5, 3, 7_000, "settled"),  # 30 October
    (24 * 10, 3, 1_000, "settled"),  # 25 October
)


def fill_node(box: Box) -> None:
    """Thirteen channels, eight of them depleted; one run three days after the snapshot's month began."""
    full = [
        make_channel(
            number,
            peer_alias=ALIASES[number],
            own_policy=make_policy(fee_rate_ppm=200 + number),
            pending_htlcs=UNDER_WAY.get(number, 0),
            **FULL,
        )
        for number in ALIASES
    ]
    dry = [make_channel(number, peer_alias=f"Dry Well {number}", **DRY) for number in range(6, 14)]
    forwards = [
        make_forward(
            number,
            outgoing_scid=f"800000x{channel}x0",
            settled_at=NOW - dt.timedelta(hours=hours),
            fee_msat=fee,
            in_msat=50_000_000 + fee,
            status=status,
        )
        for number, (hours, channel, fee, status) in enumerate(FORWARDS)
    ]
    with enter_tenant(box.tenant):
        accept_forwards(forwards, "7")
        accept_snapshot(make_snapshot(1, [*full, *dry], taken_at=NOW - dt.timedelta(hours=3)))
        run_cycle()
        CycleRun.objects.update(finished_at=DECIDED_AT)
        Decision.objects.update(decided_at=DECIDED_AT)
        Action.objects.update(created_at=DECIDED_AT)


def ask_at(box: Box, question: str, language: str | None = None) -> AskAnswer:
    with enter_tenant(box.tenant):
        gathered = gather_evidence(question, language, now=NOW)  # type: ignore[arg-type]
        return describe_answer(gathered, compose(gathered, None, token_limit=0))
