"""Scores the prepared channels and completes what a decision stands on."""

from collections.abc import Sequence

from nodes.engine.decision import ENGINE_VERSION
from nodes.engine.scoring import score_channel
from nodes.engine.types import DecisionInput
from nodes.pipeline.ingest import NodeFacts
from nodes.pipeline.preprocess import PreparedChannel


def score_channels(facts: NodeFacts, prepared: Sequence[PreparedChannel]) -> list[DecisionInput]:
    return [_score_one(facts, channel) for channel in prepared]


def _score_one(facts: NodeFacts, prepared: PreparedChannel) -> DecisionInput:
    channel, now = prepared.channel, facts.snapshot.taken_at
    return DecisionInput(
        engine_version=ENGINE_VERSION,
        now=now,
        channel=channel,
        flow=prepared.flow,
        peer_capacity_sat=prepared.peer_totals.balance.capacity_sat,
        peer_local_sat=prepared.peer_totals.balance.local_sat,
        peer_remote_sat=prepared.peer_totals.balance.remote_sat,
        peer_flow=prepared.peer_totals.flow,
        peer=prepared.position,
        score=score_channel(
            channel, prepared.flow, peer=prepared.position, block_height=facts.snapshot.node.block_height, now=now
        ),
        policy=facts.policy,
        last_change_at=facts.fee_changed_at.get(channel.short_channel_id),
    )
