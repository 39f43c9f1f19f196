"""Sections are cut at headings, blocks and sentences; nothing is lost and nothing is too long."""

from hypothesis import given
from hypothesis import strategies as st

from rag.engine.chunk import MAX_CHARS, cut
from rag.engine.types import Chunk, Section

TEXTS = st.text(st.sampled_from("ab .!?\n`|-éç…\t"), max_size=4_000)


def section(text: str, *path: str) -> Section:
    return Section(path or ("Fees",), text)


@given(TEXTS)
def test_every_word_is_in_a_chunk_and_no_chunk_is_too_long(text: str) -> None:
    chunks = cut([section(text)])
    joined = "".join("".join(chunk.text.split()) for chunk in chunks)
    assert joined == "".join(text.split())
    assert all(0 < len(chunk.text) <= MAX_CHARS for chunk in chunks)


@given(TEXTS, TEXTS)
def test_a_change_in_one_section_leaves_the_chunks_of_the_next_alone(first: str, second: str) -> None:
    rest = [chunk.text for chunk in cut([section(second)])]
    assert [chunk.text for chunk in cut([section(first), section(second)])][len(cut([section(first)])) :] == rest


def test_a_chunk_carries_the_headings_above_it_and_its_place() -> None:
    chunks = cut([section("One.", "Guide", "Fees"), section("Two.", "Guide", "Liquidity")])
    assert chunks == [Chunk(0, ("Guide", "Fees"), "One."), Chunk(1, ("Guide", "Liquidity"), "Two.")]
    assert chunks[1].passage == "Guide > Liquidity\nTwo."


def test_short_paragraphs_share_a_chunk_until_it_is_full() -> None:
    paragraph = "word " * 99 + "end."
    assert [chunk.text.count("end.") for chunk in cut([section("\n\n".join([paragraph] * 5))])] == [2, 2, 1]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "Le nœud « route » ce paiement (" + "x " * 150 + "fin)."
    chunks = cut([section(" ".join([sentence] * 7))])
    assert all(chunk.text.endswith("fin).") and chunk.text.startswith("Le nœud") for chunk in chunks)
    assert len(chunks) == 3


def test_code_that_fits_is_kept_together_blank_lines_included() -> None:
    code = "```sh\n" + "lncli getinfo\n\n" * 30 + "```"
    chunks = cut([section("text " * 200 + "\n\n" + code + "\n\nafter")])
    assert [code in chunk.text for chunk in chunks] == [False, True]


def test_code_and_tables_that_do_not_fit_are_cut_between_lines() -> None:
    table = "\n".join(f"| row {number} | {'x' * 60} |" for number in range(40))
    lines = [line for chunk in cut([section(table)]) for line in chunk.text.splitlines()]
    assert lines == table.splitlines()


def test_a_heading_without_text_makes_no_chunk() -> None:
    assert cut([section(" \n\t\n"), section("")]) == []
