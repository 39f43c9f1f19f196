"""What messages say of actions, and in which order they go: that of the journal."""

from django.utils import timezone

from nodes.engine.notice import NotifySettings
from nodes.models.action import Action
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.pipeline.kill_switch import set_switch
from nodes.pipeline.notify.outbox import store_settings
from nodes.pipeline.rollback import roll_back_action
from tests.db.nodes.acting import planned, write
from tests.db.nodes.test_notices import MINUTE, deliver_all, telegram, told
from tests.factories import Box
from tests.fakes.telegram import Telegram

__all__ = ["telegram", "told"]


def test_an_action_names_its_peer_both_fees_and_why_in_the_readers_language(told: Box, telegram: Telegram) -> None:
    store_settings(NotifySettings(language="fr"))
    action: Action = planned()[0]
    write(told, action)
    deliver_all(timezone.now() + MINUTE)
    [text] = telegram.texts
    fees = f"taux de {action.expected_policy.fee_rate_ppm} à {action.policy.fee_rate_ppm} ppm"
    line = text.splitlines()[1]
    assert line.startswith(f"{action.short_channel_id} avec ")
    assert fees in line
    assert action.why not in line
    assert len(line) > len(f"{action.short_channel_id} avec : {fees}.") + 20


def test_what_was_written_is_told_before_that_it_is_taken_back(told: Box, telegram: Telegram) -> None:
    action: Action = planned()[0]
    write(told, action)
    roll_back_action(action, actor="operator:1")
    deliver_all(timezone.now() + MINUTE)
    assert [text.split(",")[0] for text in telegram.texts] == ["Fees written", "Fees taken back"]
    assert "by an operator" in telegram.texts[1]


def test_a_kill_switch_does_not_overtake_what_happened_before_it(told: Box, telegram: Telegram) -> None:
    write(told, planned()[0])
    set_switch(WHOLE_NODE, SwitchDetail("a pause", None), actor="5f0e")
    deliver_all(timezone.now() + MINUTE / 30)
    assert [text.split(",")[0] for text in telegram.texts] == ["Fees written", "Kill switch"]
    assert telegram.texts[1].endswith("Kill switch of the node set by the owner: a pause")
