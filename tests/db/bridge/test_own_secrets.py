"""What a tenant gives a server of its own reaches the gateway by itself, and changes that tenant's connection alone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from redis.asyncio import Redis

from bridge.catalogue.models import SecretHolder
from bridge.engine.own_secrets import SECRETS, open_secrets, seal_secrets
from bridge.engine.server import Server, Stdio, TenantSecret
from bridge.gateway.own_secrets import OwnSecrets
from bridge.manager.board import board, state_key
from bridge.manager.catalogue import add_server
from bridge.manager.own_secrets import tell_secrets
from bridge.manager.secret import delete_secret, set_secret
from bridge.models.secret import OwnSecret
from bridge.selectors.catalogue import find_row
from bridge.sources.connection import ConnectionLost
from bridge.tasks import tend_catalogue
from mcp_saas.kit.crypto import SealBrokenError
from tenants.context import enter_tenant
from tenants.provisioning.lifecycle import suspend_dazbox
from tests.factories import Box

KEY = state_key() or b""


@pytest.fixture(autouse=True)
def servers(empty_board: Any) -> None:
    for name in ("mail", "drive"):
        add_server(Server(name, Stdio(f"/usr/bin/{name}-server")), actor="test")


def give(box: Box, word: str, *, server: str = "mail") -> None:
    with enter_tenant(box.tenant):
        set_secret(find_row(server), OwnSecret(bearer=word), policy="per_credential", actor="test")


def read(board: Any) -> dict[UUID, list[str | None]]:
    """As a gateway reads it: bearers by tenant."""
    found = {UUID(field.decode()): value for field, value in board.hgetall(SECRETS).items() if field}
    return {
        tenant: [secret.bearer for secret in open_secrets(value, KEY, tenant_id=tenant)]
        for tenant, value in found.items()
    }


def run(scenario: Callable[[OwnSecrets, Redis], Coroutine[Any, Any, None]]) -> None:
    async def run_it() -> None:
        redis = Redis.from_url(settings.ENV.redis_url)
        try:
            await scenario(OwnSecrets(redis, KEY), redis)
        finally:
            await redis.aclose()

    asyncio.run(run_it())


def test_each_box_s_secrets_are_sealed_by_themselves_and_gone_with_the_last(
    alice: Box, bob: Box, empty_board: Any
) -> None:
    give(alice, "hers")
    give(alice, "hers too", server="drive")
    give(bob, "his")
    assert tell_secrets() == 2
    assert read(empty_board) == {alice.dazbox.id: ["hers too", "hers"], bob.dazbox.id: ["his"]}
    assert b"hers" not in b"".join(empty_board.hvals(SECRETS))
    with enter_tenant(bob.tenant):
        delete_secret(find_row("mail"), actor="test")
    tell_secrets()
    assert list(read(empty_board)) == [alice.dazbox.id]


def test_a_change_seals_that_box_alone_anew(alice: Box, bob: Box, empty_board: Any) -> None:
    give(alice, "hers")
    give(bob, "his")
    tell_secrets()
    before = empty_board.hgetall(SECRETS)
    assert tell_secrets() == 0
    give(alice, "newer")
    assert tell_secrets() == 1
    after = empty_board.hgetall(SECRETS)
    assert after[str(bob.dazbox.id).encode()] == before[str(bob.dazbox.id).encode()]
    assert read(empty_board)[alice.dazbox.id] == ["newer"]


def test_a_value_moved_to_another_tenant_does_not_open(alice: Box, bob: Box, empty_board: Any) -> None:
    give(alice, "hers")
    tell_secrets()
    value = empty_board.hget(SECRETS, str(alice.dazbox.id))
    with pytest.raises(SealBrokenError):
        open_secrets(value, KEY, tenant_id=bob.dazbox.id)


def test_what_redis_lost_or_an_older_process_wrote_is_put_right(alice: Box, bob: Box, empty_board: Any) -> None:
    give(alice, "hers")
    tell_secrets()
    empty_board.delete(SECRETS)
    tend_catalogue()
    assert read(empty_board) == {alice.dazbox.id: ["hers"]}
    empty_board.hset(SECRETS, mapping={"": b"older", str(bob.dazbox.id): b"of a box that has none any more"})
    tend_catalogue()
    assert read(empty_board) == {alice.dazbox.id: ["hers"]}


def test_a_box_out_of_service_has_none_there(alice: Box, empty_board: Any) -> None:
    give(alice, "hers")
    tell_secrets()
    suspend_dazbox(alice.dazbox.id, actor="test", reason="x")
    tell_secrets()
    assert read(empty_board) == {}


def test_a_secret_set_again_has_another_stamp(alice: Box) -> None:
    give(alice, "one")
    first = SecretHolder.objects.get().stamp
    give(alice, "two")
    assert SecretHolder.objects.get().stamp != first


def test_a_gateway_finds_a_tenant_s_own_and_sees_which_connections_it_changes(alice: Box, bob: Box) -> None:
    give(alice, "hers")
    give(alice, "her drive", server="drive")
    tell_secrets()
    a, b = alice.dazbox.id, bob.dazbox.id

    async def scenario(own: OwnSecrets, redis: Redis) -> None:
        assert await own.find("mail", a) == TenantSecret("mail", a, bearer="hers")
        assert await own.find("drive", a) == TenantSecret("drive", a, bearer="her drive")
        assert await own.find("mail", b) is None
        connected = [("mail", a), ("drive", a), ("mail", b)]
        assert await own.find_changed(connected) == []
        await asyncio.to_thread(give_anew)
        assert await own.find_changed(connected) == [("mail", a)]
        assert await own.find("mail", a) == TenantSecret("mail", a, bearer="newer")
        assert await own.find_changed(connected) == []

    def give_anew() -> None:
        sealed = [TenantSecret("mail", a, bearer="newer"), TenantSecret("drive", a, bearer="her drive")]
        board().hset(SECRETS, str(a), seal_secrets(sealed, KEY, tenant_id=a, mark=b"m" * 16))

    run(scenario)


def test_a_redis_that_lost_all_ends_no_connection_and_is_not_taken_for_nobody_having_any(alice: Box) -> None:
    give(alice, "hers")
    tell_secrets()
    a = alice.dazbox.id

    async def scenario(own: OwnSecrets, redis: Redis) -> None:
        await own.find("mail", a)
        await redis.delete(SECRETS)
        assert await own.find_changed([("mail", a)]) == []
        found = await own.find("mail", a)  # its child ended, say: it is started with what is known
        assert found is not None
        with pytest.raises(ConnectionLost, match="cannot be read now"):
            await OwnSecrets(redis, KEY).find("mail", a)

    run(scenario)
