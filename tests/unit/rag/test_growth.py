"""What texts of strangers are put through takes no longer than their length accounts for, whatever they hold."""

import datetime as dt
import time
from collections.abc import Callable

import pytest

from rag.engine.citation import find_quote
from rag.engine.clean import clean_text, redact
from rag.engine.foreign import is_understood
from rag.engine.intent.read import read_intent
from rag.engine.plain import list_blocks, make_plain
from rag.engine.question import read_question
from rag.engine.secrets import hide_secrets
from rag.engine.suspicion import speaks_to_assistant
from rag.engine.tokenise import tokenise
from rag.sources.parser.sniff import sniff_kind

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
NOTHING_S = 0.05  # of CPU
HOSTILE = (
    "<script>", "<!---->", "<!--", "<b", "<a ", "<", "</script", "<script></script", "1", "1 ", "1.", "1,1 ", "_", "a_",
    "a.", "a_ ", "![", "[a](", "[", "(", "* ", "> ", "`", "\n", " ", "-", "&amp;", "0:", "::", "a@", "why fees raised ",
    "ignore all ", "l'", "\u202e", "e\u0301", "sk-", "lnbc1", "abandon ",
)  # fmt: skip
# A text of double the length takes double the time; where texts are short, four times.
WHOLE: dict[str, Callable[[str], object]] = {"clean_text": clean_text, "redact": redact}
SHORT: dict[str, Callable[[str], object]] = {
    "make_plain": make_plain,
    "hide_secrets": lambda text: hide_secrets(text, {}),
    "list_blocks": list_blocks,
    "speaks_to_assistant": speaks_to_assistant,
    "tokenise": lambda text: tokenise(text, "fr"),
    "read_intent": lambda text: read_intent(text, [], now=NOW),
    "is_understood": is_understood,
    "read_question": lambda text: read_question(text, asked_in="fr", documents="en"),
    "sniff_kind": lambda text: sniff_kind(text.encode(), "text/plain"),
    "find_quote": lambda text: find_quote(text, text),
}


def measure_s(do: Callable[[str], object], text: str) -> float:
    started_s = time.thread_time()
    do(text)
    return time.thread_time() - started_s


def assert_grows(do: Callable[[str], object], *, length: int, most: float) -> None:
    """Small lengths first: what doubles with each repetition would never end at the large ones."""
    for again in HOSTILE:
        for size in (40, 160, length):
            half, whole = (f"x {again * (size // len(again) // part)}z" for part in (2, 1))
            if measure_s(do, whole) > NOTHING_S:
                half_s, whole_s = (min(measure_s(do, text) for _ in range(2)) for text in (half, whole))
                assert whole_s <= NOTHING_S + most * half_s, (again, size)


@pytest.mark.parametrize("name", WHOLE)
def test_a_document_of_double_length_takes_double_the_time(name: str) -> None:
    assert_grows(WHOLE[name], length=50_000, most=3.0)


@pytest.mark.parametrize("name", SHORT)
def test_no_question_and_no_passage_takes_ever_so_long(name: str) -> None:
    assert_grows(SHORT[name], length=2_000, most=6.0)


def test_the_tags_of_tags_are_taken_out_however_deep_they_lie() -> None:
    assert "<" not in clean_text("<b" * 50 + ">" * 50 + "x")
    assert clean_text("a <b<b>> c") == "a  c"
