"""A provider's fake and the way to it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mcp_saas.kit.http import Guard
from nodes.sources.amboss.question import ask_names, ask_node
from nodes.sources.driver.retry import Patience
from nodes.sources.lnbits.question import ask_wallet
from nodes.sources.provider.exchange import Given, Way, ask
from nodes.sources.provider.protocol import Question
from nodes.sources.providers import PROVIDERS
from nodes.sources.sparkseer.question import (
    ask_channel_candidates,
    ask_liquidity_value,
    ask_network_view,
    ask_suggested_fees,
)
from tests.fakes.provider_server import KEY, OWN, PEERS, ProviderServer

NO_PAUSE = Patience(pause=lambda _: None)
QUESTIONS: dict[str, Question[Any]] = {
    question.name: question
    for question in (
        ask_network_view(OWN),
        ask_suggested_fees(),
        ask_channel_candidates(),
        ask_liquidity_value(),
        ask_wallet(),
        ask_node(OWN),
        ask_names(PEERS),
    )
}
FIRST = {question.provider: question for question in reversed(QUESTIONS.values())}  # one a provider


def make_way(server: Any, **changes: Any) -> Way:
    """To the fake, of a box nobody else is."""
    way = Way(
        address=f"http://127.0.0.1:{server.port}",
        secret=KEY,
        guard=Guard(trusted=frozenset({("127.0.0.1", server.port)})),
        shared=uuid.uuid4(),
        own=uuid.uuid4(),
        spend=lambda: True,
        patience=NO_PAUSE,
    )
    return msgspec.structs.replace(way, **changes)


def put(question: Question[Any], way: Way) -> Given:
    return ask(PROVIDERS[question.provider], question, way=way)


@contextmanager
def serving(question: Question[Any]) -> Iterator[ProviderServer]:
    with ProviderServer(question.provider) as server:
        yield server
