"""Search by words: what is one term, what it weighs, and who can read a tenant's."""

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.engine.language import Language
from rag.engine.sparse import Bm25, encode_question, index_terms
from rag.engine.tokenise import MAX_TERM, tokenise

BM25 = Bm25()
KEY, OTHER_KEY = bytes(32), bytes([1]) * 32
languages = st.sampled_from(["en", "fr"])
texts = st.text(max_size=300)


@pytest.mark.parametrize(
    ("text", "language", "terms"),
    [
        ("The fees of the channels", "en", ["fee", "channel"]),
        ("fee_rate_ppm", "en", ["feerateppm", "fee", "rate", "ppm"]),
        ("lncli --time_lock_delta 40", "en", ["lncli", "timelockdelta", "time", "lock", "delta", "40"]),
        ("updateChanPolicy", "en", ["updatechanpolici", "updat", "chan", "polici"]),
        ("on-chain", "en", ["onchain", "chain"]),
        ("your node's fees", "en", ["node", "fee"]),
        ("1,000 sat, 1.5 BTC, LND 0.18.3-beta", "en", ["1000", "sat", "1.5", "btc", "lnd", "0.18.3", "beta"]),
        ("l'invoice d'un nœud qu\u2019on ferme", "fr", ["invoic", "noeud", "ferm"]),
        ("L\u2019AVAL", "fr", ["aval"]),
        ("Liquidités évaluées", "fr", tokenise("liquidites evaluees", "fr")),
        ("\ufb01nal", "en", ["final"]),
        ("03" + "ab" * 32, "en", []),
    ],
)  # fmt: skip
def test_terms(text: str, language: Language, terms: list[str]) -> None:
    assert tokenise(text, language) == terms


@pytest.mark.parametrize("other", ["fee-rate-ppm", "feeRatePpm", "fee.rate.ppm", "FEE_RATE_PPM", "feerateppm"])
def test_an_identifier_is_found_however_it_is_written(other: str) -> None:
    assert set(tokenise(other, "en")) & set(tokenise("fee_rate_ppm", "en"))


def test_singular_finds_plural_and_unaccented_finds_accented() -> None:
    assert tokenise("channel", "en") == tokenise("channels", "en")
    assert tokenise("liquidite entrante", "fr") == tokenise("liquidité entrantes", "fr")


@given(texts, languages)
def test_terms_of_any_text_are_short_and_small(text: str, language: Language) -> None:
    assert all(0 < len(term) <= MAX_TERM and term == term.lower() for term in tokenise(text, language))


@given(texts, languages)
def test_capitals_composition_and_white_space_change_nothing(text: str, language: Language) -> None:
    plain = text.lower()
    assert tokenise(f"  {plain}\n", language) == tokenise(plain, language)


@given(st.lists(texts, max_size=4), languages)
def test_a_line_does_not_change_the_terms_of_the_next(lines: list[str], language: Language) -> None:
    assert tokenise("\n".join(lines), language) == [term for line in lines for term in tokenise(line, language)]


@given(texts, languages, st.sampled_from([None, KEY]))
def test_a_documents_vector_is_finite_positive_and_of_32_bits(text: str, language: Language, key: bytes | None) -> None:
    vector = BM25.encode_document(text, language, key=key)
    assert all(0 <= index < 2**32 for index in vector)
    assert all(0 < weight < BM25.k1 + 1 for weight in vector.values())
    assert vector == BM25.encode_document(text, language, key=key)
    assert set(vector) == set(encode_question(text, language, key=key))


def test_a_document_of_usual_length_weighs_a_term_as_the_formula_says() -> None:
    bm25 = Bm25(k1=1.2, b=0.75, avg_len=4)
    vector = bm25.encode_document("fee fee channel liquidity", "en")
    expected = {1 * 2.2 / (1 + 1.2), 2 * 2.2 / (2 + 1.2)}
    assert sorted(set(vector.values())) == pytest.approx(sorted(expected))


@given(st.integers(1, 30), st.integers(1, 30))
def test_more_occurrences_weigh_more_and_more_text_around_them_less(count: int, around: int) -> None:
    def weigh(text: str) -> float:
        return BM25.encode_document(text, "en")[next(iter(encode_question("fee", "en")))]

    assert weigh("fee " * (count + 1)) > weigh("fee " * count)
    assert weigh("fee " + "channel " * (around + 1)) < weigh("fee " + "channel " * around)


def test_numbers_of_shared_terms_never_change() -> None:
    """They lie in stores: another hash would make them unfindable without an error."""
    expected = int.from_bytes(hashlib.blake2b(b"fee", digest_size=4).digest(), "big")
    assert encode_question("fees", "en") == {expected: 1.0} == {215793189: 1.0}


def test_a_key_hides_which_terms_two_tenants_share() -> None:
    text = "Raise the fee of a channel whose outbound liquidity runs out"
    plain, own, others = (set(encode_question(text, "en", key=key)) for key in (None, KEY, OTHER_KEY))
    assert len(plain) == len(own) == len(others) == 7
    assert not plain & own
    assert not own & others


def test_terms_of_one_number_are_one_term() -> None:
    assert index_terms({"plumless": 1.0, "buckeroo": 2.0}).values()
    assert math.isclose(sum(index_terms({"a": 1.0, "b": 2.0}).values()), 3.0)


def test_threads_stem_beside_each_other() -> None:
    words = [f"channel{'s' * (n % 2)} liquidity{n}" for n in range(400)]
    alone = [tokenise(word, "en") for word in words]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda word: tokenise(word, "en"), words)) == alone
