"""The served embedder: the same vectors from another process, and honest words when there are none."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus

import httpx
import msgspec
import numpy as np
import pytest
import uvicorn
from django.conf import settings

from mcp_saas.kit.breaker import Breaker
from mcp_saas.kit.patience import within
from rag.engine.embedding import Embedded, EmbedderError
from rag.sources.minilm.app import EmbedderApp
from rag.sources.minilm.client import EmbedderClient
from rag.sources.minilm.errors import ModelError, ModelPendingError
from rag.sources.minilm.model import MiniLM
from rag.sources.minilm.wire import MAX_BODY_BYTES, MAX_TEXTS, MODEL, EmbedRequest, Refusal
from tests.fakes.json_server import PATIENCE_S, JsonServer, Reply

KEY = "a key of ours"


@contextmanager
def serve(app: EmbedderApp) -> Iterator[str]:
    config = uvicorn.Config(app, lifespan="off", http="h11", ws="none", log_config=None)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    minilm = MiniLM(settings.ENV.model_cache_dir)
    minilm.load()
    return minilm


@pytest.fixture(scope="module")
def url(minilm: MiniLM) -> Iterator[str]:
    with serve(EmbedderApp(minilm, api_key=KEY)) as url:
        yield url


class Broken:
    """A model that cannot be had."""

    model = MODEL

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        raise ModelError("the weights are other ones: install them again")


class Pending(Broken):
    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        raise ModelPendingError


def embed(
    url: str, texts: Sequence[str], *, key: str = "", with_tokens: bool = False, timeout_s: float = 60
) -> list[Embedded]:
    with closing(EmbedderClient(url, api_key=key, timeout=httpx.Timeout(timeout_s))) as client:
        return client.embed(texts, with_tokens=with_tokens)


def post(url: str, content: bytes, *, key: str = KEY) -> httpx.Response:
    return httpx.post(url, content=content, headers={"api-key": key}, trust_env=False)


def test_the_vectors_are_those_of_the_model_itself(url: str, minilm: MiniLM) -> None:
    texts = [f"channel {number}" for number in range(MAX_TEXTS + 3)] + ["", "\ud800"]
    served = embed(url, texts, key=KEY, with_tokens=True)
    for one, own in zip(served, minilm.embed(texts, with_tokens=True), strict=True):
        assert np.array_equal(one.dense, own.dense)
        assert own.tokens is not None
        assert one.tokens is not None
        assert np.array_equal(one.tokens, own.tokens)
        assert np.array_equal(one.pieces, own.pieces)


def test_tokens_are_left_out_for_those_who_do_not_ask(url: str) -> None:
    one = embed(url, ["fees"], key=KEY)[0]
    assert one.tokens is None
    assert one.dense.shape == (MODEL.dimension,)


@pytest.mark.parametrize("key", ["", "another"])
def test_nobody_embeds_without_the_key(url: str, key: str) -> None:
    with pytest.raises(EmbedderError, match=r"refused \(401\)") as refused:
        embed(url, ["fees"], key=key)
    assert not refused.value.is_temporary


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", HTTPStatus.BAD_REQUEST),
        (b"{}", HTTPStatus.BAD_REQUEST),
        (msgspec.msgpack.encode({"texts": [1]}), HTTPStatus.BAD_REQUEST),
        (msgspec.msgpack.encode({"texts": [], "more": 1}), HTTPStatus.BAD_REQUEST),
        (b"\x81\xa5texts\x91\xa1\xff", HTTPStatus.BAD_REQUEST),
        (msgspec.msgpack.encode(EmbedRequest(["x"] * (MAX_TEXTS + 1))), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (msgspec.msgpack.encode(EmbedRequest(["x" * MAX_BODY_BYTES])), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_what_is_no_request_is_refused_in_words(url: str, content: bytes, status: HTTPStatus) -> None:
    answer = post(url, content)
    assert answer.status_code == status
    assert msgspec.msgpack.decode(answer.content, type=Refusal).error


def test_there_is_one_address_and_one_method(url: str) -> None:
    headers = {"api-key": KEY}
    assert httpx.post(f"{url}/other", headers=headers, trust_env=False).status_code == HTTPStatus.NOT_FOUND
    assert httpx.get(url, headers=headers, trust_env=False).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_model_that_cannot_be_loaded_is_told_to_who_asks() -> None:
    with serve(EmbedderApp(Broken())) as url, pytest.raises(EmbedderError, match="install them again") as refused:
        embed(url, ["fees"])
    assert not refused.value.is_temporary


def test_a_model_that_is_being_made_is_no_service_that_is_down() -> None:
    """Asked again and again: the answer stays what it is, at once, with the time to come back."""
    app = EmbedderApp(Pending())
    with serve(app) as url, closing(EmbedderClient(url)) as client:
        for _ in range(7):
            with pytest.raises(EmbedderError, match="being made") as pending:
                client.embed(["fees"], with_tokens=False)
            assert pending.value.is_temporary
            assert pending.value.retry_after_s == ModelPendingError().retry_after_s


def test_a_service_that_is_down_is_left_alone_after_five_failures() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
    with closing(EmbedderClient(f"http://:{KEY}@{place}/embed")) as client:
        for _ in range(5):
            with pytest.raises(EmbedderError, match="check EMBEDDER_URL") as down:
                client.embed(["fees"], with_tokens=False)
            assert down.value.is_temporary
            assert f"http://{place}/embed" in str(down.value), "where it is, without its key"
        with pytest.raises(EmbedderError, match="left alone"):
            client.embed(["fees"], with_tokens=False)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        msgspec.msgpack.encode({"model": MODEL, "embedded": []}),
        msgspec.msgpack.encode({"model": MODEL, "embedded": [{"dense": bytes(4)}]}),
        msgspec.msgpack.encode({
            "model": {"id": "other", "dimension": 384, "has_tokens": True},
            "embedded": [{"dense": bytes(1536)}],
        }),
    ],
)
def test_an_answer_that_is_not_ours_is_refused(body: bytes) -> None:
    with JsonServer(lambda _: Reply(body=body)) as server, pytest.raises(EmbedderError) as refused:
        embed(f"http://127.0.0.1:{server.port}", ["fees"])
    assert not refused.value.is_temporary


def test_a_service_that_hangs_is_given_up() -> None:
    hang = threading.Event()

    def wait(_: object) -> Reply:
        hang.wait(PATIENCE_S)
        return Reply()

    with JsonServer(wait) as server:
        with pytest.raises(EmbedderError, match="ReadTimeout") as late:
            embed(f"http://127.0.0.1:{server.port}", ["fees"], timeout_s=0.2)
        hang.set()
    assert late.value.is_temporary


def test_a_service_that_hangs_is_waited_for_as_long_as_the_question_has_and_left_alone_soon() -> None:
    hang = threading.Event()

    def wait(_: object) -> Reply:
        hang.wait(PATIENCE_S)
        return Reply()

    with JsonServer(wait) as server, closing(EmbedderClient(f"http://127.0.0.1:{server.port}")) as client:
        client._breaker = Breaker(lost_s=1.9)
        for expected in ("ReadTimeout", "ReadTimeout", "left alone"):
            with within(1), pytest.raises(EmbedderError, match=expected):
                client.embed(["fees"], with_tokens=False)
        hang.set()


def test_without_time_nothing_is_asked() -> None:
    client = EmbedderClient("http://127.0.0.1:9")
    with closing(client), within(0), pytest.raises(EmbedderError, match="no time left"):
        client.embed(["fees"], with_tokens=False)
