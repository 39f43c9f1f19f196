"""The words of messages: channel, both fees, why, who, right plurals, in both languages."""

from typing import Any

import pytest

from nodes.engine.actor import name_actor
from nodes.engine.notice import Event, NoticeLine, shorten, write_message
from tenants.engine.plan import LIMIT_NAMES


def tell(event: Event, facts: dict[str, Any], *, language: Any = "fr", **line: Any) -> str:
    lines = [NoticeLine(kind=event, text="", facts=facts, **line)]
    return write_message(event, lines, node="N", language=language).splitlines()[1]


WRITTEN = {"channel": "1x1x1", "peer": "ACINQ", "fee_rate_ppm": 79}


def test_a_fee_written_names_channel_peer_both_fees_and_why() -> None:
    told = tell("actions", WRITTEN, language="en", change="fee rate 2 to 79 ppm", why="It sells.")
    assert told == "1x1x1 with ACINQ: fee rate 2 to 79 ppm. It sells."
    assert tell("actions", WRITTEN, change="désactivé", why="Il vend.") == "1x1x1 avec ACINQ : désactivé. Il vend."
    assert tell("action_failed", WRITTEN, change="désactivé") == "1x1x1 avec ACINQ : désactivé, n'a pas été écrit"


@pytest.mark.parametrize("alias", ["t.me/lnd_help", "@lnd_help", "tg://resolve?domain=x", "https://example.com"])
def test_a_peers_name_is_nothing_to_be_tapped_on(alias: str) -> None:
    told = tell("actions", WRITTEN | {"peer": alias}, change="désactivé")
    assert not {".", "@", "://"} & set(told.replace("1x1x1 avec ", "").replace(" : ", " "))
    assert len(told) == len(tell("actions", WRITTEN | {"peer": "x" * len(alias)}, change="désactivé"))


def test_a_long_why_is_cut_between_words() -> None:
    assert shorten("short") == "short"
    cut = shorten("word " * 100)
    assert len(cut) <= 142
    assert cut.endswith("word …")


def test_a_change_by_hand_counts_its_channels_rightly() -> None:
    changes = "1x1x1 (fee_rate_ppm 2 to 5)"
    one = tell("manual_change", {"channels": 1, "changes_fr": changes, "more": 0})
    assert one == f"Quelqu'un d'autre a changé la politique de 1 canal : {changes}"
    many = tell("manual_change", {"channels": 12, "changes_fr": changes, "more": 2})
    assert many == f"Quelqu'un d'autre a changé la politique de 12 canaux : {changes} ; et 2 de plus"


def test_a_kill_switch_says_who_and_why() -> None:
    by_owner = {"is_on": True, "actor": "5f0e", "place": "the node", "reason": "une pause"}
    assert tell("kill_switch", by_owner) == "Activé (le nœud) par le propriétaire : une pause"
    in_a_hurry = by_owner | {"actor": "operator:1", "reason": "", "place": "1x1x1"}
    assert tell("kill_switch", in_a_hurry) == "Activé (1x1x1) par un opérateur, sans raison donnée"
    assert tell("kill_switch", in_a_hurry | {"is_on": False}) == "Levé (1x1x1) par un opérateur"


@pytest.mark.parametrize(
    ("actor", "words"),
    [
        ("operator:1", "an operator"),
        ("command line", "an operator"),
        ("0b1c7c8e-5c1d-4a53-9d5f-6c1e3f1f2a3b", "the owner"),
        ("stop rule", "a stop rule"),
        ("promotion rule", "the promotion rule"),
    ],
)
def test_whoever_did_it_is_named_in_words(actor: str, words: str) -> None:
    assert name_actor(actor) == words
    assert name_actor(actor, language="fr") != words


def test_alerts_are_told_in_french() -> None:
    since = {"last_report_at": "2026-11-21T19:40:05.123456+00:00"}
    silent = tell("node", since | {"is_silent": True})
    assert silent.startswith("Le nœud ne rapporte plus rien depuis 2026-11-21 19:40 UTC")
    assert tell("node", since | {"is_silent": False}).endswith("était de 2026-11-21 19:40 UTC")
    assert tell("quota", {"limit": "channels", "used": 400, "allowed": 500}) == "400 sur 500 : canaux"
    assert tell("webhook", {"webhook": "0b1c", "reason": "gone"}) == (
        "Plus rien n'est envoyé au webhook 0b1c : il a répondu 410"
    )


def test_every_limit_of_a_plan_has_french_words() -> None:
    for name in LIMIT_NAMES:
        assert not tell("quota", {"limit": name, "used": 1, "allowed": 2}).endswith("?")
