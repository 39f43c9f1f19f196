"""Finds out which era a server behind HTTP speaks."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from bridge.engine import envelope
from bridge.engine.server import Http, Limits
from bridge.sources.connection import ConnectionLost, CredentialsRefused, Line, OnLog, UpstreamError
from bridge.sources.handshake import (
    DISCOVER,
    FACE,
    INITIALIZE,
    INITIALIZED,
    MODERN,
    PATIENCE,
    UNKNOWN,
    Face,
    Patience,
    make_discover,
    make_initialize,
    read_discovered,
    read_initialized,
    wants_another_try,
)
from bridge.sources.http.connection import HttpConnection, NotSpoken
from bridge.sources.http.exchange import Exchange
from bridge.sources.http.sse_connection import SseConnection


async def open_http(
    how: Http,
    *,
    limits: Limits,
    bearer: str | None,
    on_log: OnLog,
    patience: Patience = PATIENCE,
    face: Face = FACE,
) -> HttpConnection:
    """Ready for requests. A server that takes no POST is tried with the transport of 2024-11-05.

    Raises ConnectionLost, CredentialsRefused.
    """

    def make_exchange() -> Exchange:
        return Exchange(how, bearer=bearer, max_answer_bytes=limits.max_answer_bytes)

    def log(text: str) -> None:
        on_log(Line("protocol", text))

    async def open_older() -> HttpConnection:
        older = SseConnection(make_exchange(), log=log)
        return await finish(older, meet_older(older, face.abilities), patience_s=patience.start_s)

    if how.transport == "sse":
        return await open_older()
    connection = HttpConnection(make_exchange(), log=log)
    try:
        return await finish(connection, meet(connection, patience, face=face), patience_s=patience.start_s)
    except NotSpoken as refused:
        try:
            return await open_older()
        except UpstreamError:
            raise ConnectionLost(str(refused)) from None


async def finish(
    connection: HttpConnection, meeting: Coroutine[Any, Any, None], *, patience_s: float
) -> HttpConnection:
    """The connection, once its server was met; closed when it was not."""
    try:
        async with asyncio.timeout(patience_s):
            await meeting
    except TimeoutError:
        await connection.close()
        raise ConnectionLost(f"the server was not ready within {patience_s:g} s") from None
    except BaseException:
        await connection.close()
        raise
    return connection


async def meet(connection: HttpConnection, patience: Patience, *, face: Face) -> None:
    if face.known == "legacy" or not await probe(connection, patience.silence_s):
        await greet(connection, face.abilities)


async def meet_older(connection: SseConnection, abilities: bytes) -> None:
    await connection.begin()
    await greet(connection, abilities)


async def probe(connection: HttpConnection, silence_s: float) -> bool:
    """Whether it is a modern server. Anything but a yes is a no; no connection is neither."""
    connection.settle(MODERN)
    try:
        answer = await connection.request(DISCOVER, make_discover(), timeout_s=silence_s)
        if wants_another_try(answer):
            answer = await connection.request(DISCOVER, make_discover(), timeout_s=silence_s)
    except (ConnectionLost, CredentialsRefused):
        raise
    except UpstreamError:
        return False
    manners = None if answer.is_error else read_discovered(answer.body)
    if manners is not None:
        connection.settle(manners)
    return manners is not None


async def greet(connection: HttpConnection, abilities: bytes) -> None:
    """The handshake of the older versions; again, whenever the server has forgotten its session."""
    if connection.era == "modern":
        connection.settle(UNKNOWN)
    answer = await connection.request(INITIALIZE, make_initialize(abilities), timeout_s=3_600)
    if answer.is_error:
        raise ConnectionLost(f"the server refused the handshake: {envelope.read_error(answer.body).message[:200]}")
    try:
        connection.settle(read_initialized(answer.body))
    except envelope.MalformedError as error:
        raise ConnectionLost(error.message) from error
    connection.renew = lambda: greet(connection, abilities)
    await connection.tell(INITIALIZED)
    await connection.hear()
