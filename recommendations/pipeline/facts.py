"""What records tell about the node of the tenant we are in: the decision log, live state, actions, forwards.

Each fact has the id of its record, so that whoever reads an answer can look it up: `decision:123`, `node:mode`,
`channel:800000x1x0`, `action:<uuid>`, `run:<uuid>`, `forwards:7d`.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.utils import timezone
from msgspec import Struct

from nodes.engine.balance import measure_ratio
from nodes.engine.language.sentence import tell_decision
from nodes.engine.report import ChannelState
from nodes.engine.trigger import DEPLETED_BELOW
from nodes.models.action import Action, ActionKind, ActionState
from nodes.models.channel import Channel
from nodes.models.decision import Decision
from nodes.selectors.action import filter_actions
from nodes.selectors.channel import list_open_channels
from nodes.selectors.decision import DecisionFilter, action_of, filter_decisions, latest_run
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node
from nodes.selectors.release import Release
from rag.engine.evidence import Evidence, Language
from rag.engine.intent import Intent, KnownChannel, Topic
from recommendations.engine.telling import name_channel, tell, tell_error

MAX_LISTED = 3
MAX_OPENED = 500  # decisions or actions opened for one question
USUAL_DAYS = 7.0


class Asked(Struct, frozen=True):
    """One question about the node, and what all its topics look at."""

    intent: Intent
    language: Language
    now: dt.datetime
    channels: dict[str, Channel]  # open ones, by short channel id

    @property
    def named(self) -> list[Channel]:
        return [self.channels[scid] for scid in self.intent.channels if scid in self.channels]

    @property
    def days(self) -> float:
        return self.intent.days or USUAL_DAYS

    @property
    def since(self) -> dt.datetime:
        return self.now - dt.timedelta(days=self.days)

    def name(self, state: ChannelState) -> str:
        return name_channel(state.short_channel_id, state.peer_alias, language=self.language)

    def tell(self, key: str, **values: object) -> str:
        return tell(key, self.language, **values)

    def fact(self, id: str, text: str, **more: str | None) -> Evidence:  # noqa: A002
        return Evidence(id=id, kind="fact", text=text, language=self.language, title="", source="node", **more)  # type: ignore[arg-type]


def list_known() -> dict[str, Channel]:
    """The open channels of the node, by short channel id."""
    return {row.state.short_channel_id: row for row in list_open_channels()}


def know(channels: dict[str, Channel]) -> list[KnownChannel]:
    return [KnownChannel(scid, row.state.peer_pubkey, row.state.peer_alias or "") for scid, row in channels.items()]


def gather_facts(intent: Intent, channels: dict[str, Channel], *, language: Language) -> list[Evidence]:
    """Of every topic asked about, each fact once."""
    asked = Asked(intent, language, timezone.now(), channels)
    facts = [fact for topic in intent.topics for fact in TELLERS[topic](asked)]
    return list({fact.id: fact for fact in facts}.values())


def _tell_why(asked: Asked) -> Iterator[Evidence]:
    """Of a named channel the newest decision that moved its fee as asked, else the newest; else the newest changes."""
    if not asked.named:
        yield from _tell_changes(asked)
        return
    for channel in asked.named:
        rows = list(filter_decisions(DecisionFilter(channel=channel.state.short_channel_id))[:MAX_OPENED])
        wanted = [row for row in rows if _moves(row, asked.intent.direction)] or [
            row for row in rows if _moves(row, None)
        ]
        yield from (_tell_decision(row, asked) for row in (wanted or rows)[:1])
        if asked.intent.direction is None and rows and wanted and rows[0] is not wanted[0]:
            yield _tell_decision(rows[0], asked)


def _moves(row: Decision, direction: str | None) -> bool:
    return row.outcome.direction != "keep" if direction is None else row.outcome.direction == direction


def _tell_changes(asked: Asked) -> Iterator[Evidence]:
    rows = filter_decisions(DecisionFilter(since=asked.since))[:MAX_OPENED]
    moved = [row for row in rows if _moves(row, asked.intent.direction)]
    yield from _tell_run(asked)
    if not moved:
        yield asked.fact("changes:none", asked.tell("no_changes", days=round(asked.days), at=asked.now))
    yield from (_tell_decision(row, asked) for row in moved[:MAX_LISTED])


def _tell_unchanged(asked: Asked) -> Iterator[Evidence]:
    if asked.named:
        for channel in asked.named:
            rows = filter_decisions(DecisionFilter(channel=channel.state.short_channel_id))
            yield from (_tell_decision(row, asked) for row in rows[:1])
        return
    yield from _tell_run(asked)
    yield from _tell_held(asked)


def _tell_held(asked: Asked) -> Iterator[Evidence]:
    """Of the newest run: how many each guard held, and some of them."""
    run = latest_run()
    named = set(asked.intent.channels)
    rows = [
        row
        for row in filter_decisions(DecisionFilter(run="latest"))[:MAX_OPENED]
        if row.outcome.held_by and (not named or row.inputs.channel.short_channel_id in named)
    ]
    if run is None:
        return
    if not rows:
        yield from _tell_run(asked)
        return
    counts = Counter(row.outcome.held_by for row in rows)
    holds = ", ".join(f"{guard} ({count})" for guard, count in counts.most_common())
    yield asked.fact(f"run:{run.id}:held", asked.tell("holds", holds=holds))
    yield from (_tell_decision(row, asked) for row in rows[: MAX_LISTED - 1])


def _tell_run(asked: Asked) -> Iterator[Evidence]:
    run = latest_run()
    if run is not None:
        numbers = {name: getattr(run.summary, name) for name in ("channels", "raised", "lowered", "changed", "kept")}
        yield asked.fact(f"run:{run.id}", asked.tell("run", at=run.finished_at, mode=run.mode, **numbers))


def _tell_decision(row: Decision, asked: Asked) -> Evidence:
    given, outcome, action = row.inputs, row.outcome, action_of(row)
    text = asked.tell(
        "decision",
        channel=asked.name(given.channel),
        at=row.decided_at,
        why=tell_decision(given, outcome, language=asked.language),
        rule=outcome.rule,
        section=asked.tell("section", section=outcome.section) if outcome.section else "",
    )
    text += asked.tell("held", held_by=outcome.held_by) if outcome.held_by else ""
    if outcome.direction != "keep":
        text += asked.tell("mode_shadow") if row.run.mode == "shadow" else ""
        text += asked.tell("action", state=action.state) if action and row.run.mode != "shadow" else ""
    return asked.fact(f"decision:{row.id}", text, rule=outcome.rule, held_by=outcome.held_by)


def _tell_state(asked: Asked) -> Iterator[Evidence]:
    yield from (_tell_channel(row, asked) for row in asked.named)
    if not asked.named and asked.channels:
        states = [row.state for row in asked.channels.values()]
        sums = {
            "capacity": sum(state.capacity_sat for state in states),
            "local": sum(state.local_balance_sat for state in states),
            "remote": sum(state.remote_balance_sat for state in states),
        }
        yield asked.fact("node:balance", asked.tell("node", count=len(states), **sums))


def _tell_channel(row: Channel, asked: Asked) -> Evidence:
    state = row.state
    policy = state.own_policy
    fee = asked.tell("fee", base=policy.base_fee_msat, ppm=policy.fee_rate_ppm) if policy else asked.tell("no_fee")
    text = asked.tell(
        "channel",
        channel=asked.name(state),
        local=state.local_balance_sat,
        remote=state.remote_balance_sat,
        capacity=state.capacity_sat,
        active=asked.tell("closed" if row.closed_at else "active" if state.active else "inactive"),
        fee=fee,
    )
    return asked.fact(f"channel:{state.short_channel_id}", text)


def _tell_depleted(asked: Asked) -> Iterator[Evidence]:
    """Those with less than a tenth of their balance on our side, the driest first."""
    shares = {scid: ratio for scid, row in asked.channels.items() if (ratio := measure_ratio(row.state)) is not None}
    dry = sorted((scid for scid, ratio in shares.items() if ratio < DEPLETED_BELOW), key=lambda scid: shares[scid])
    if shares and not dry:
        percent = round(DEPLETED_BELOW * 100)
        yield asked.fact("node:depleted", asked.tell("none_depleted", count=len(shares), percent=percent))
    for scid in dry[: MAX_LISTED + 3]:
        state = asked.channels[scid].state
        text = asked.tell(
            "depleted",
            channel=asked.name(state),
            local=state.local_balance_sat,
            capacity=state.capacity_sat,
            percent=round(shares[scid] * 100),
        )
        yield asked.fact(f"channel:{scid}", text)


def _tell_mode(asked: Asked) -> Iterator[Evidence]:
    node = read_own_node()
    release = Release(node)
    meaning = asked.tell(release.mode, share=release.rung.share_percent)
    yield asked.fact("node:mode", asked.tell("mode", mode=str(release.mode), meaning=meaning))


def _tell_earnings(asked: Asked) -> Iterator[Evidence]:
    """Nothing where the node never reported its forwards: that is no zero."""
    if read_own_node().history_since is None:
        return
    settled = [one for one in load_forwards(since=asked.since, until=asked.now) if one.status == "settled"]
    days, earned = round(asked.days), sum(one.fee_msat for one in settled)
    text = asked.tell("earned", days=days, at=asked.now, count=len(settled), earned=earned)
    yield asked.fact(f"forwards:{days}d", text)
    for channel in asked.named:
        scid = channel.state.short_channel_id
        mine = [one for one in settled if one.outgoing_scid == scid]
        told = asked.tell(
            "earned_channel",
            channel=asked.name(channel.state),
            count=len(mine),
            earned=sum(one.fee_msat for one in mine),
        )
        yield asked.fact(f"forwards:{days}d:{scid}", told)


def _tell_failures(asked: Asked) -> Iterator[Evidence]:
    rows = _list_actions(asked, lambda action: action.state == ActionState.FAILED)
    yield from _tell_actions(asked, rows, key="failed")


def _tell_rolled_back(asked: Asked) -> Iterator[Evidence]:
    rows = _list_actions(asked, lambda one: one.state == ActionState.ROLLED_BACK and one.kind == ActionKind.POLICY)
    yield from _tell_actions(asked, rows, key="rolled_back")


def _list_actions(asked: Asked, is_wanted: Callable[[Action], bool]) -> list[Action]:
    """Newest first."""
    rows = filter_actions(state=None, channel=None, since=asked.since).order_by("-created_at", "id")[:MAX_OPENED]
    named = set(asked.intent.channels)
    return [row for row in rows if is_wanted(row) and (not named or row.short_channel_id in named)]


def _tell_actions(asked: Asked, rows: Sequence[Action], *, key: str) -> Iterable[Evidence]:
    if not rows:
        yield asked.fact(f"actions:no_{key}", asked.tell(f"none_{key}", days=round(asked.days), at=asked.now))
    for row in rows[:MAX_LISTED]:
        known = asked.channels.get(row.short_channel_id)
        alias = known.state.peer_alias if known else None
        text = asked.tell(
            key,
            channel=name_channel(row.short_channel_id, alias, language=asked.language),
            at=row.settled_at or row.created_at,
            old=row.expected_policy.fee_rate_ppm,
            new=row.policy.fee_rate_ppm,
            error=tell_error(row.outcome.error if row.outcome else None, asked.language),
        )
        yield asked.fact(f"action:{row.id}", text)


TELLERS: dict[Topic, Callable[[Asked], Iterable[Evidence]]] = {
    "why_fee": _tell_why,
    "changes": _tell_changes,
    "unchanged": _tell_unchanged,
    "held": _tell_held,
    "state": _tell_state,
    "depleted": _tell_depleted,
    "mode": _tell_mode,
    "earnings": _tell_earnings,
    "failures": _tell_failures,
    "rolled_back": _tell_rolled_back,
}
