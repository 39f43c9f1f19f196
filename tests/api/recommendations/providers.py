"""The three providers on loopback sockets, open to boxes by a key of each box's own."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from nodes.engine.credential import CredentialOffer, Service
from nodes.pipeline.credential import set_credential
from tenants.context import enter_tenant
from tests.factories import Box
from tests.fakes.json_server import Call, Reply
from tests.fakes.provider_server import AMBOSS_NODE, KEY, VIEW, ProviderServer, answer_sparkseer

STATS = "/v1/node/current-stats/"
JOIN_S = 90


class Providers:
    """`view`: changes to what Sparkseer tells of whatever node it is asked about."""

    def __init__(self, sparkseer: ProviderServer, amboss: ProviderServer, lnbits: ProviderServer) -> None:
        self.sparkseer, self.amboss, self.lnbits = sparkseer, amboss, lnbits
        self.view: dict[str, Any] = {}

    @property
    def calls(self) -> list[Call]:
        return [*self.sparkseer.calls, *self.amboss.calls, *self.lnbits.calls]

    def open_to(self, box: Box, *services: Service) -> None:
        """The box has its keys (all, unless some are named), and its node is known to Sparkseer and Amboss."""
        known = AMBOSS_NODE | {"node": AMBOSS_NODE["node"] | {"pub_key": box.pubkey}}
        self.sparkseer.script = self.tell_stats
        self.amboss.say({"data": {"getNode": {"graph_info": known}}})
        with enter_tenant(box.tenant):
            for service in services or (Service.SPARKSEER, Service.AMBOSS, Service.LNBITS):
                url = self.lnbits.address if service == Service.LNBITS else None
                set_credential(service, CredentialOffer(KEY, url=url), actor="the owner")

    def tell_stats(self, call: Call) -> Reply:
        if call.path.startswith(STATS):
            return Reply(body=VIEW | {"pubkey": call.path.removeprefix(STATS)} | self.view)
        return answer_sparkseer(call)


@contextmanager
def serve_providers(settings: Any) -> Iterator[Providers]:
    with ExitStack() as stack:
        servers = [stack.enter_context(ProviderServer(name)) for name in ("sparkseer", "amboss", "lnbits")]
        sparkseer, amboss, lnbits = servers
        addresses = {
            "sparkseer_url": sparkseer.address,
            "amboss_url": amboss.address,
            "trusted_nodes": [("127.0.0.1", lnbits.port)],
        }
        settings.ENV = settings.ENV.model_copy(update=addresses)
        yield Providers(sparkseer, amboss, lnbits)
        for server in servers:
            server.over.set()
        wait_for_askers()


def wait_for_askers() -> None:
    """Those who ask on though nobody waits for them any more."""
    for thread in threading.enumerate():
        if thread.name.startswith("ask-"):
            thread.join(JOIN_S)
