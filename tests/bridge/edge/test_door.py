"""Whose token it is: the issuer's keys, nobody's else; what was revoked is refused at the next call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.gateway.door import keys as keys_module
from bridge.gateway.door.caller import Caller, Operator
from bridge.gateway.door.challenge import describe_resource
from bridge.gateway.door.entrance import Door
from bridge.gateway.door.exchange import KeyExchange
from bridge.gateway.door.keys import KeySet
from bridge.gateway.refusal import Refusal
from tests.bridge.edge.issuer import AUDIENCE, ISSUER, TENANT, Issuer, make_key, serve


def scope_of(token: str | None = None, **changes: Any) -> dict[str, Any]:
    headers = [(b"host", b"gateway.test:8001"), (b"accept", b"*/*")]
    if token is not None:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    return {"type": "http", "scheme": "https", "path": "/mcp", "headers": headers} | changes


def at_the_door(test: Callable[[Issuer, Door, KeySet], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with serve() as issuer, httpx.AsyncClient(trust_env=False) as client:
            keys = KeySet(issuer.url, client=client, clock=lambda: clock[0])
            exchange = KeyExchange(issuer.url.removesuffix("/.well-known/jwks.json"), client=client)
            await test(issuer, Door(keys, issuer=ISSUER, audience=AUDIENCE, exchange=exchange, **options), keys)

    clock = [1000.0]
    asyncio.run(main())


async def refusal_of(door: Door, scope: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await door.admit(scope)
    return refused.value


def test_a_token_says_who_calls() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        token = issuer.sign()
        caller = await door.admit(scope_of(token))
        assert (caller.subject, caller.tenant_id, caller.session) == ("box:1", TENANT, "session-1")
        assert caller.scopes == {"read", "act"}
        assert caller.token == token
        assert await door.admit(scope_of(token)) is caller
        assert issuer.asked == 1

    at_the_door(test)


def test_without_a_token_it_is_told_where_to_get_one() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        refusal = await refusal_of(door, scope_of())
        told = dict(refusal.headers)[b"www-authenticate"].decode()
        assert refusal.status == 401
        assert 'resource_metadata="https://gateway.test:8001/.well-known/oauth-protected-resource/mcp"' in told
        assert "error=" not in told

    at_the_door(test)


def test_the_metadata_names_the_resource_and_the_issuer() -> None:
    scope = scope_of(path="/.well-known/oauth-protected-resource/mcp/servers/home")
    described = msgspec.json.decode(describe_resource(scope, issuer=ISSUER))
    assert described["resource"] == "https://gateway.test:8001/mcp/servers/home"
    assert described["authorization_servers"] == [ISSUER]


FOREIGN = ec.generate_private_key(ec.SECP256R1())
FORGED: dict[str, Callable[[Issuer], str]] = {
    "another's key under our kid": lambda issuer: issuer.sign(key=FOREIGN),
    "a kid nobody has": lambda issuer: issuer.sign(key=FOREIGN, kid="unknown"),
    "no algorithm": lambda issuer: jwt.encode({"sub": "box:1"}, None, "none", headers={"kid": "first"}),
    "a shared secret": lambda issuer: issuer.sign(key="first" * 10, alg="HS256"),
    "another issuer": lambda issuer: issuer.sign(iss="https://else.test"),
    "another audience": lambda issuer: issuer.sign(aud="else"),
    "its time is over": lambda issuer: issuer.sign(exp=1),
    "no end": lambda issuer: issuer.sign(exp="left out"),
    "a refresh token": lambda issuer: issuer.sign(typ="refresh"),
    "no typ": lambda issuer: issuer.sign(typ="left out"),
    "no token version": lambda issuer: issuer.sign(tv="left out"),
    "true for a version": lambda issuer: issuer.sign(tv=True),
    "scopes in a list": lambda issuer: issuer.sign(scope=["read"]),
    "a tenant that is none": lambda issuer: issuer.sign(tenant_id="alice"),
    "a shop's": lambda issuer: issuer.sign(tenant_id=None, scope="provisioning"),
    "an API key": lambda issuer: "dz_live_00000000_aaaa",
    "nothing": lambda issuer: "",
    "too long": lambda issuer: "a" * 9000,
    "not ASCII": lambda issuer: "é.é.é",
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_not_exactly_ours_is_refused(what: str) -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        refusal = await refusal_of(door, scope_of(FORGED[what](issuer)))
        assert refusal.status == 401
        told = dict(refusal.headers)[b"www-authenticate"]
        assert b'error="invalid_token"' in told
        assert told.isascii()

    at_the_door(test)


def test_an_operator_calls_no_tool_and_sees_the_status() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        scope = scope_of(issuer.sign(tenant_id=None, scope="operator", sub="operator:1"))
        assert (await refusal_of(door, scope)).status == 403
        visitor = await door.admit_visitor(scope)
        assert isinstance(visitor, Operator)
        assert visitor.subject == "operator:1"

    at_the_door(test)


def test_what_is_revoked_is_refused_at_the_next_call() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        scope = scope_of(issuer.sign(tv=3))
        await door.admit(scope)
        door.revoke(closed=(), token_versions={TENANT: 4})
        assert "revoked" in (await refusal_of(door, scope)).message
        await door.admit(scope_of(issuer.sign(tv=4)))
        door.revoke(closed=(TENANT,), token_versions={})
        assert "closed" in (await refusal_of(door, scope)).message
        door.revoke(closed=(UUID(int=1),), token_versions={TENANT: 3})
        await door.admit(scope)

    at_the_door(test)


def test_a_token_is_good_until_its_end_and_the_leeway(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        scope = scope_of(issuer.sign(exp=issuer_time() - 20))
        await door.admit(scope)
        monkeypatch.setattr("bridge.gateway.door.entrance.time.time", lambda: issuer_time() + 11)
        assert "expired" in (await refusal_of(door, scope_of(issuer.sign(exp=issuer_time() - 31)))).message

    def issuer_time() -> float:
        return began

    import time

    began = time.time()
    at_the_door(test)


def test_a_new_key_is_asked_for_once_and_not_for_every_kid_that_is_made_up() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        await door.admit(scope_of(issuer.sign()))
        clock = [1000.0]
        keys._clock = lambda: clock[0]
        clock[0] += keys_module.ASKED_AGAIN_S
        issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        callers = await asyncio.gather(*(door.admit(scope_of(issuer.sign(kid="second"))) for _ in range(5)))
        assert len(callers) == 5
        assert issuer.asked == 2
        for number in range(20):
            await refusal_of(door, scope_of(issuer.sign(kid=f"made-up-{number}", key=FOREIGN)))
        assert issuer.asked == 2

    at_the_door(test)


def test_a_token_is_refused_once_its_key_has_left() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        scope = scope_of(issuer.sign())
        await door.admit(scope)
        issuer.keys = {"second": FOREIGN}
        assert await keys.read()
        assert (await refusal_of(door, scope)).status == 401

    at_the_door(test)


def test_while_the_issuer_is_away_its_keys_stay_in_force() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        issuer.is_down = True
        refusal = await refusal_of(door, scope_of(issuer.sign()))
        assert (refusal.status, refusal.retry_after_s) == (503, 5.0)
        issuer.is_down = False
        assert await keys.read()
        issuer.is_down = True
        assert not await keys.read()
        assert isinstance(await door.admit(scope_of(issuer.sign())), Caller)

    at_the_door(test)


def test_keys_of_other_kinds_are_left_out() -> None:
    good = {"kty": "EC", "crv": "P-256", "kid": "a", "x": "-", "y": "-"}
    assert keys_module.is_ours(good)
    for change in ({"kty": "RSA"}, {"crv": "P-384"}, {"alg": "HS256"}, {"use": "enc"}, {"kid": None}, {"d": "secret"}):
        assert not keys_module.is_ours(good | change)
    with pytest.raises(ValueError, match="no ES256 key"):
        keys_module.read_keys(b'{"keys": []}')


def test_verified_tokens_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.gateway.door.entrance.MAX_KEPT", 3)

    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        for number in range(6):
            await door.admit(scope_of(issuer.sign(jti=str(number))))
        assert len(door._grants) == 3

    at_the_door(test)


def test_guests_are_let_in_as_the_tenant_they_stand_for() -> None:
    async def main() -> Caller:
        return await Door(None, issuer=ISSUER, audience=AUDIENCE, anonymous=TENANT).admit(scope_of())

    caller = asyncio.run(main())
    assert (caller.tenant_id, caller.token) == (TENANT, "")


def test_an_api_key_is_exchanged_once_for_all_who_bring_it() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        key = make_key()
        issuer.api_keys[key] = {"sub": "api-key:1", "scope": "read"}
        callers = await asyncio.gather(*(door.admit(scope_of(key)) for _ in range(20)))
        assert {(caller.subject, caller.scopes, caller.token) for caller in callers} == {
            ("api-key:1", frozenset({"read"}), key)  # the built-in server asks the API with the key itself
        }
        await door.admit(scope_of(key))
        assert issuer.exchanged == 1

    at_the_door(test)


def test_a_key_that_is_none_is_refused_and_a_mistyped_one_without_a_question() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        assert (await refusal_of(door, scope_of(make_key(7)))).status == 401
        assert issuer.exchanged == 1
        assert (await refusal_of(door, scope_of(make_key(7)[:-1] + "x"))).status == 401
        assert issuer.exchanged == 1

    at_the_door(test)


def test_a_key_of_a_tenant_whose_tokens_were_revoked_is_exchanged_anew() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        key = make_key()
        issuer.api_keys[key] = {}
        await door.admit(scope_of(key))
        door.revoke(closed=(), token_versions={TENANT: 1})
        assert (await refusal_of(door, scope_of(key))).status == 401
        issuer.api_keys[key] = {"tv": 1}
        assert (await door.admit(scope_of(key))).tenant_id == TENANT
        assert issuer.exchanged == 2

    at_the_door(test)


def test_while_the_issuer_is_away_a_key_is_told_to_come_again() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        issuer.is_down = True
        refusal = await refusal_of(door, scope_of(make_key()))
        assert (refusal.status, refusal.retry_after_s) == (503, 5.0)

    at_the_door(test)


def test_a_key_that_was_refused_is_not_asked_for_again_at_once() -> None:
    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        for _ in range(3):
            assert "not good" in (await refusal_of(door, scope_of(make_key(7)))).message
        assert issuer.exchanged == 1

    at_the_door(test)


def test_a_flood_of_made_up_keys_delays_no_key_that_was_good_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.gateway.door.exchange.TIMEOUT_S", 600.0)

    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        issuer.thinking = asyncio.Event()
        issuer.api_keys[make_key()] = {}
        await door.admit(scope_of(make_key()))
        async with asyncio.timeout(60):
            flood = [from_address(door, f"10.0.{number}.1", key=make_key(number)) for number in range(1, 101)]
            while issuer.exchanged < 17:  # noqa: ASYNC110 - it is what the test waits for
                await asyncio.sleep(0.01)
            door._grants.clear()  # as they are a minute later
            await door.admit(scope_of(make_key()))
        assert not any(one.done() for one in flood)
        issuer.thinking.set()
        assert {one.status for one in await asyncio.gather(*flood)} == {401}

    at_the_door(test)


def test_a_flood_from_one_address_leaves_turns_to_the_others_and_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.gateway.door.exchange.TIMEOUT_S", 600.0)

    async def test(issuer: Issuer, door: Door, keys: KeySet) -> None:
        await keys.read()
        issuer.thinking = asyncio.Event()
        async with asyncio.timeout(60):
            flood = [from_address(door, "10.0.0.1", key=make_key(number)) for number in range(1, 65)]
            while issuer.exchanged < 4:  # noqa: ASYNC110 - it is what the test waits for
                await asyncio.sleep(0.01)
            refusal = await from_address(door, "10.0.0.1", key=make_key(65))
            assert (refusal.status, refusal.retry_after_s) == (429, 5.0)
            issuer.api_keys[make_key(66)] = {}
            await door.admit(scope_of(make_key(66), client=("10.0.0.2", 1)))
        assert issuer.exchanged == 5
        issuer.thinking.set()
        assert {one.status for one in await asyncio.gather(*flood)} == {401}

    at_the_door(test)


def from_address(door: Door, address: str, *, key: str) -> asyncio.Task[Refusal]:
    return asyncio.ensure_future(refusal_of(door, scope_of(key, client=(address, 1))))
