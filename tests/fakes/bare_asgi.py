"""The least a server can do: an ASGI application that looks an answer up by the caller's token and sends it.

`DATABASE_URL` leads to the table `bench_answer (token text primary key, body bytea)`.
"""

import asyncio
import os
from typing import Any

import psycopg

CONNECTIONS = 4
_pool: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _serve_lifespan(receive, send)
        return
    token = dict(scope["headers"])[b"authorization"].decode()
    session = await _pool.get()
    try:
        cursor = await session.execute("SELECT body FROM bench_answer WHERE token = %s", [token])
        row = await cursor.fetchone()
    finally:
        _pool.put_nowait(session)
    body = bytes(row[0]) if row else b""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200 if row else 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _serve_lifespan(receive: Any, send: Any) -> None:
    await receive()
    for _ in range(CONNECTIONS):
        url = os.environ["DATABASE_URL"]  # noqa: TID251 - a program of its own
        _pool.put_nowait(await psycopg.AsyncConnection.connect(url, autocommit=True))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
