"""Finds out which era a server behind HTTP speaks."""

import asyncio

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
from bridge.sources.http.connection import HttpConnection
from bridge.sources.http.exchange import Exchange


async def open_http(
    how: Http,
    *,
    limits: Limits,
    bearer: str | None,
    on_log: OnLog,
    patience: Patience = PATIENCE,
    face: Face = FACE,
) -> HttpConnection:
    """Ready for requests. Raises ConnectionLost, CredentialsRefused."""
    exchange = Exchange(how, bearer=bearer, max_answer_bytes=limits.max_answer_bytes)
    connection = HttpConnection(exchange, log=lambda text: on_log(Line("protocol", text)))
    try:
        async with asyncio.timeout(patience.start_s):
            if face.known == "legacy" or not await probe(connection, patience.silence_s):
                await greet(connection, face.abilities)
    except TimeoutError:
        await connection.close()
        raise ConnectionLost(f"the server was not ready within {patience.start_s:g} s") from None
    except BaseException:
        await connection.close()
        raise
    return connection


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
