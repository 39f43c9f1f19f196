"""What of the journal an owner is told by message, and in which words. English is the journal's own sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from msgspec import Struct

from mcp_saas.kit.alias import unlink_name
from nodes.engine.actor import name_actor
from nodes.engine.language.sentence import Language

Event = Literal[
    "start",
    "actions",
    "action_failed",
    "rollback",
    "stop_rule",
    "kill_switch",
    "manual_change",
    "node",
    "quota",
    "webhook",
    "advice",
]
EVENTS: tuple[Event, ...] = get_args(Event)
UNASKED: tuple[Event, ...] = tuple(one for one in EVENTS if one != "advice")  # what who has not chosen is told
Fact = str | int | float | bool | None
SHORT = 140  # characters of a reason
_KINDS: Mapping[str, Event] = {
    "first-snapshot": "start",
    "mode": "start",
    "rollback": "rollback",
    "stop-rule": "stop_rule",
    "kill-switch": "kill_switch",
    "manual-change": "manual_change",
    "node-report": "node",
    "quota": "quota",
    "advice": "advice",
}
_TITLES: Mapping[Language, Mapping[Event, str]] = {
    "en": {
        "start": "The fee engine",
        "actions": "Fees written",
        "action_failed": "Fees that could not be written",
        "rollback": "Fees taken back",
        "stop_rule": "A stop rule fired",
        "kill_switch": "Kill switch",
        "manual_change": "Changed by somebody else",
        "node": "Reports of the node",
        "quota": "The plan",
        "webhook": "A webhook is switched off",
        "advice": "Advice",
    },
    "fr": {
        "start": "Le moteur de frais",
        "actions": "Frais écrits",
        "action_failed": "Frais qui n'ont pas pu être écrits",
        "rollback": "Frais remis comme avant",
        "stop_rule": "Une règle d'arrêt s'est déclenchée",
        "kill_switch": "Coupe-circuit",
        "manual_change": "Changé par quelqu'un d'autre",
        "node": "Les rapports du nœud",
        "quota": "Le forfait",
        "webhook": "Un webhook est désactivé",
        "advice": "Conseils",
    },
}
# One sentence each, of the facts that the journal's entry has.
_FRENCH: Mapping[str, str] = {
    "first-snapshot": "Premier rapport de la box : le moteur commence.",
    "mode": "Mode {mode} (avant : {mode_before}), par {actor}",
    "canary": "Mode canary avec {share_percent} % des canaux (avant : {mode_before}), par {actor}",
    "action_failed": "{channel} : {fees}, n'a pas été écrit",
    "rollback": "{channel} revient à {fee_rate_ppm} ppm, par {actor}",
    "no_rollback": "Quelque chose n'a pas pu être remis comme avant : {text}",
    "stop_rule": "Règles : {rules} ; le mode {mode} est arrêté",
    "switch_on": "Activé ({place}) par {actor}{because}",
    "switch_off": "Levé ({place}) par {actor}",
    "manual_change": "Quelqu'un d'autre a changé la politique de {count} : {changes}{others}",
    "silent": "Le nœud ne rapporte plus rien depuis {since} UTC : la box est-elle allumée, et son nœud en marche ?",
    "back": "Le nœud rapporte de nouveau ; le dernier rapport d'avant était de {since} UTC",
    "quota": "{used} sur {allowed} : {limit_fr}",
    "webhook": "Plus rien n'est envoyé au webhook {webhook} : {cause_fr}",
    "advice": "Nouveaux conseils : {kinds_fr}",
}


_LIMITS_FR: Mapping[object, str] = {
    "channels": "canaux",
    "snapshots_per_hour": "rapports par heure",
    "llm_tokens_per_day": "jetons du modèle par jour",
    "rag_documents": "documents",
    "rag_mb": "Mo de documents",
    "rag_chunks": "passages de documents",
    "webhooks": "webhooks",
    "mcp_calls_per_minute": "appels MCP par minute",
}
_CAUSES_FR: Mapping[object, str] = {
    "gone": "il a répondu 410",
    "failed": "rien n'a pu y être livré pendant trois jours",
}


class NotifySettings(Struct, frozen=True, kw_only=True):
    """What its owner wants to be told, and in which language."""

    language: Language = "en"
    events: tuple[Event, ...] = UNASKED


class NoticeLine(Struct, frozen=True, kw_only=True):
    """One entry of the journal, on its way to its owner."""

    kind: str
    text: str
    facts: dict[str, Fact]
    change: str = ""  # of an action, in the reader's language: what was there, and what is
    why: str = ""


class Pace(Struct, frozen=True, kw_only=True):
    """When messages went to a chat, oldest first, and until when nothing may."""

    sent_at: tuple[dt.datetime, ...] = ()
    not_before: dt.datetime | None = None


def name_event(kind: str, facts: Mapping[str, Fact]) -> Event | None:
    """None: nobody is told."""
    if kind == "webhook":  # what its owner does with it they know
        return "webhook" if facts.get("reason") in _CAUSES_FR else None
    return _name_step(facts) if kind == "action" and "channel" in facts else _KINDS.get(kind)


def _name_step(facts: Mapping[str, Fact]) -> Event | None:
    """A fee is told as written when a snapshot shows it: the box's own word is in the journal."""
    if facts.get("verified"):
        return "actions"
    return "action_failed" if facts.get("after") == "failed" else None


def write_message(event: Event, lines: Sequence[NoticeLine], *, node: str, language: Language) -> str:
    """A title with the number of lines where there are several, the node, and a line an entry: plain text."""
    count = f" ({len(lines)})" if len(lines) > 1 else ""
    title = f"{_TITLES[language][event]}{count}, {node}"
    return "\n".join([title, *(_tell(event, line, language=language) for line in lines)])


def _tell(event: Event, line: NoticeLine, *, language: Language) -> str:
    if event == "actions":
        channel, colon = _name_channel(line, language), " :" if language == "fr" else ":"
        why = f". {shorten(line.why)}" if line.why else ""
        return f"{channel}{colon} {_tell_change(line)}{why}"
    return line.text if language == "en" else _tell_in_french(event, line)


def _name_channel(line: NoticeLine, language: Language) -> str:
    """Our own words first: a peer's name turns nothing but itself. It is a stranger's, and nothing to be tapped on."""
    peer = unlink_name(str(line.facts.get("peer") or ""))
    joined = f" {'avec' if language == 'fr' else 'with'} {peer}" if peer else ""
    return f"{line.facts.get('channel')}{joined}"


def _tell_change(line: NoticeLine) -> str:
    return line.change or f"{line.facts.get('fee_rate_ppm')} ppm"


def shorten(words: str) -> str:
    """To a line that a phone shows: cut between words."""
    if len(words) <= SHORT:
        return words
    return f"{words[:SHORT].rpartition(' ')[0]} …"


def _tell_in_french(event: Event, line: NoticeLine) -> str:
    facts = {name: "?" if value is None else value for name, value in line.facts.items()}
    reason, count = facts.get("reason"), facts.get("channels", 0)
    words = {
        "text": line.text,
        "actor": name_actor(facts.pop("actor", ""), language="fr"),
        "place": "le nœud" if facts.get("place", "the node") == "the node" else facts["place"],
        "because": f" : {reason}" if reason else ", sans raison donnée",
        "count": f"{count} {'canal' if count == 1 else 'canaux'}",
        "changes": facts.get("changes_fr", "?"),
        "others": f" ; et {facts['more']} de plus" if facts.get("more") else "",
        "channel": _name_channel(line, "fr"),
        "fees": _tell_change(line),
        "since": str(facts.get("last_report_at", "?"))[:16].replace("T", " "),
        "limit_fr": _LIMITS_FR.get(facts.get("limit"), "?"),
        "cause_fr": _CAUSES_FR.get(reason, "?"),
    }
    return _FRENCH[_choose_french(event, line)].format(**(facts | words))


def _choose_french(event: Event, line: NoticeLine) -> str:
    match event:
        case "start":
            return "canary" if line.facts.get("mode") == "canary" else line.kind
        case "kill_switch":
            return "switch_on" if line.facts.get("is_on") else "switch_off"
        case "node":
            return "silent" if line.facts.get("is_silent") else "back"
        case "rollback":
            return "rollback" if "fee_rate_ppm" in line.facts else "no_rollback"
    return event


def find_next_moment(pace: Pace, *, now: dt.datetime, gap_s: int = 1, most_a_minute: int = 20) -> dt.datetime:
    """When the chat may have its next message. Source: Telegram's bots FAQ, one a second a chat, 20 a minute."""
    moments = [now, *([pace.not_before] if pace.not_before else [])]
    if pace.sent_at:
        moments.append(pace.sent_at[-1] + dt.timedelta(seconds=gap_s))
    if len(pace.sent_at) >= most_a_minute:
        moments.append(pace.sent_at[-most_a_minute] + dt.timedelta(minutes=1))
    return max(moments)


def count_message(pace: Pace, *, at: dt.datetime) -> Pace:
    return Pace(sent_at=(*pace.sent_at, at)[-20:])
