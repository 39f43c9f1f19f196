"""Whatever words a model puts an advice into, it tells to do no other thing than the advice does."""

from uuid import UUID

import pytest

from recommendations.engine.advice import Advice, Language, Priority
from recommendations.engine.deeds import asks_for_else
from recommendations.engine.draft import Draft, finish
from recommendations.engine.fee import advise_fees
from recommendations.engine.rebalance import advise_rebalances
from recommendations.engine.words.tell import tell
from tests.unit.recommendations.builders import make_dry, make_seller, make_survey, make_surveyed
from tests.unit.recommendations.test_fee import make_decided


def judge(sentence: str, draft: Draft, language: Language = "en") -> bool:
    advice: Advice = finish(draft, id_space=UUID(int=0), priority=Priority.LOW)
    told = tell(advice, language)
    return asks_for_else(sentence, advice, own_words=f"{told.action} {told.reason} {told.impact}")


def raise_fee() -> Draft:
    """From 300 to 450 ppm, base fee 1,000 msat."""
    [draft] = advise_fees(make_survey(make_surveyed(1, make_seller(), decided=make_decided())))
    return draft


def fill_channel() -> Draft:
    [draft] = advise_rebalances(make_survey(make_dry(1), make_surveyed(2)))
    return draft


@pytest.mark.parametrize(
    "sentence",
    [
        "Close the channel instead of changing the fee.",
        "Shut channel 800000x1x0.",
        "Open a second channel to this peer.",
        "Lower the fee from 450 to 300 ppm.",
        "Reduce the fee.",
        "Change the fee from 450 ppm to 300 ppm.",
        "Set the fee to 300 ppm.",
        "Do not change the fee from 300 ppm.",
        "It sells: never change the fee.",
        "Don't write this fee.",
        "Disable the channel.",
        "Send the sats elsewhere.",
        "Rather skip this one.",
    ],
)
def test_another_deed_than_to_raise_the_fee_is_none_of_it(sentence: str) -> None:
    assert judge(sentence, raise_fee())


@pytest.mark.parametrize(
    "sentence",
    [
        "Raise the fee from 300 to 450 ppm.",
        "A higher fee, 450 ppm, is expected to bring 12 sat a day.",
        "Change the fee from 300 ppm to 450 ppm: it sells.",
        "It brings most for a minute of work.",
        "The interval goes below zero, so it is not certain.",
    ],
)
def test_the_same_deed_in_other_words_is_left(sentence: str) -> None:
    assert not judge(sentence, raise_fee())


def test_in_french_as_well() -> None:
    for unfit in (
        "Fermez le canal.",
        "Baissez les frais de 450 à 300 ppm.",
        "Ne changez pas les frais.",
        "Plutôt rien.",
    ):
        assert judge(unfit, raise_fee(), "fr")
    for fit in ("Augmentez les frais de 300 à 450 ppm.", "Des frais de 450 ppm rapportent plus."):
        assert not judge(fit, raise_fee(), "fr")


def test_a_rebalance_moves_and_closes_nothing() -> None:
    assert not judge("Move 1,500,000 sat first.", fill_channel())
    assert not judge("Rebalance it for 487 sat at most.", fill_channel())
    assert judge("Close channel 800000x2x0.", fill_channel())
    assert judge("Withdraw the sats.", fill_channel())
