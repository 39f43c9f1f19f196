"""A question is held against what the words of the field mean."""

import numpy as np

from rag.engine.glossary.meanings import Entry, Meanings, add_terms, mix_named, name_things, read_entries, read_topics
from rag.engine.refusal import REFUSED_BELOW, Signs, cover, rate_own, weigh_signs

AXES = np.eye(4, dtype=np.float32)
GLOSSARY = Meanings(
    entries=(Entry("inbound liquidity", "room to be paid"), Entry("watchtower", "punishes cheaters")),
    meanings=AXES[:2],
    words=AXES[2:],
    elsewhere=AXES[3:],
)


def test_the_words_of_the_nearest_meaning_are_added_to_the_question() -> None:
    named = name_things(AXES[0], GLOSSARY)
    assert named.entries[0].words == "inbound liquidity"
    assert abs(sum(named.weights) - 1) < 1e-6
    assert (named.nearness, named.farness) == (1.0, 0.0)
    words = add_terms({"pay": 1.0}, named)
    assert words["pay"] == 1.0
    assert words["inbound"] > 0.49
    assert words["watchtow"] < 0.01
    mixed = mix_named(AXES[0], named)
    assert mixed[0] > mixed[2] > 0.5
    assert abs(float(np.linalg.norm(mixed)) - 1) < 1e-6


def test_every_line_of_the_glossary_has_words_and_a_meaning() -> None:
    assert all(entry.words and entry.meaning for entry in read_entries())
    assert len(read_topics()) > 20


def test_what_is_about_something_else_is_refused_and_what_the_library_answers_is_kept() -> None:
    kept = Signs(maxsim=0.7, dense=0.6, bm25=14.0, coverage=0.8, nearness=0.6, farness=0.2)
    refused = Signs(maxsim=0.5, dense=0.3, bm25=4.0, coverage=0.5, nearness=0.2, farness=0.6)
    assert weigh_signs(kept) > REFUSED_BELOW > weigh_signs(refused)


def test_own_documents_may_be_about_anything_and_are_told_by_the_words_they_hold() -> None:
    assert rate_own(dense=0.6, coverage=0.9) > REFUSED_BELOW > rate_own(dense=0.3, coverage=0.3)
    assert cover({"batteri": 1.0, "cellar": 1.0}, [frozenset({"batteri"})]) == 0.5
