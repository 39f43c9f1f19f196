"""What a server tells unasked reaches those who may hear it."""

from uuid import UUID

import pytest

from bridge.engine.server import Server, Stdio
from bridge.gateway.hub import TOOLS, UPDATED, Hub, Listener
from bridge.sources.connection import Notice

ALICE, BOB = UUID(int=1), UUID(int=2)
SERVER = Server("mail", Stdio("mail"))


@pytest.mark.parametrize("notice", [Notice(UPDATED, b'{"uri":"mail://inbox"}'), Notice(TOOLS, b"{}")])
def test_what_a_tenant_s_own_connection_tells_is_told_to_that_tenant(notice: Notice) -> None:
    hub, heard = Hub(), []
    for tenant in (ALICE, BOB):
        take = lambda _server, _notice, tenant=tenant: heard.append(tenant)  # noqa: E731
        hub.join(Listener(None, tenant, take, frozenset({TOOLS}), frozenset({"mail://inbox"})))
    hub.tell(SERVER, notice, owner=ALICE)
    assert heard == [ALICE]
    hub.tell(SERVER, notice)
    assert sorted(heard) == [ALICE, ALICE, BOB]
