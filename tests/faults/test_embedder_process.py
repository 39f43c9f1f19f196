"""The served embedder in processes of its own: the one of `make run` and the command for production."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from django.conf import settings

from mcp_saas.embedded.knowledge.command import address_of, bind_listener
from rag.engine.embedding import EmbedderError
from rag.sources.minilm.client import EmbedderClient
from rag.sources.minilm.model import MiniLM
from tests.faults.embedded_instance import eventually
from tests.knowledge_service import run_service

ENVIRON = os.environ  # noqa: TID251 - of the processes that are started here
PROJECT = Path(__file__).resolve().parents[2]
KEY = "the key of this embedder"
TEXTS = ["How do I get inbound liquidity?", "Fees, (fees)!", "", "\ud800", "a channel " * 400]
STARTED_S = 90.0  # the model is loaded first


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    minilm = MiniLM(settings.ENV.model_cache_dir)
    minilm.load()
    return minilm


@pytest.fixture(scope="module")
def mounted(minilm: MiniLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The process `knowledge`, with the embedder below /embed."""
    folder = tmp_path_factory.mktemp("knowledge")
    with bind_listener() as listener, run_service(folder, listener, environment=ENVIRON, api_key=KEY):
        yield f"{address_of(listener)}/embed"


@pytest.fixture(scope="module")
def served(minilm: MiniLM) -> Iterator[str]:
    """`python -m rag.sources.minilm`."""
    with bind_listener() as listener:
        port = listener.getsockname()[1]
    with run_command("--port", str(port), EMBEDDER_API_KEY=KEY) as process:
        assert eventually(lambda: process.poll() is not None or is_open(port), seconds=STARTED_S)
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in {0, -signal.SIGTERM}


@contextmanager
def run_command(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    command = (sys.executable, "-m", "rag.sources.minilm", *arguments)
    with subprocess.Popen(
        command, cwd=PROJECT, env={**ENVIRON, **environment}, stderr=subprocess.PIPE, text=True
    ) as it:
        try:
            yield it
        finally:
            it.kill()


def is_open(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["mounted", "served"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def test_its_vectors_are_those_of_the_model_itself(url: str, minilm: MiniLM) -> None:
    with closing(EmbedderClient(url, api_key=KEY)) as client:
        for served, own in zip(
            client.embed(TEXTS, with_tokens=True), minilm.embed(TEXTS, with_tokens=True), strict=True
        ):
            assert served.tokens is not None
            assert own.tokens is not None
            assert np.array_equal(served.dense, own.dense)
            assert np.array_equal(served.tokens, own.tokens)
            assert np.array_equal(served.pieces, own.pieces)


@pytest.mark.parametrize("key", ["", "another"])
def test_nobody_embeds_without_its_key(url: str, key: str) -> None:
    with closing(EmbedderClient(url, api_key=key)) as client, pytest.raises(EmbedderError, match="401"):
        client.embed(["fees"], with_tokens=False)


def test_the_key_may_stand_in_the_address(mounted: str) -> None:
    """So is EMBEDDER_URL told to web and worker by `make run`."""
    with closing(EmbedderClient(mounted.replace("//", f"//:{KEY.replace(' ', '%20')}@"))) as client:
        assert client.embed(["fees"], with_tokens=False)[0].dense.shape == (384,)


def test_what_is_no_request_is_refused_below_its_own_address_alone(mounted: str) -> None:
    def post(path: str) -> int:
        return httpx.post(f"{mounted}{path}", content=b"?", headers={"api-key": KEY}, trust_env=False).status_code

    assert [post(path) for path in ("", "/", "/other", "ded")] == [400, 400, 404, 404]


def test_it_is_not_opened_to_others_without_a_key() -> None:
    with run_command("--host", "0.0.0.0", EMBEDDER_API_KEY="") as process:  # noqa: S104 - what is refused here
        assert process.wait(STARTED_S) == 2
        assert process.stderr is not None
        assert "set EMBEDDER_API_KEY" in process.stderr.read()
