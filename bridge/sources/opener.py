"""The one way to a server, whatever carries it."""

from bridge.engine.server import BuiltIn, Http, Pool, Server, Stdio, TenantSecret
from bridge.sources.connection import Connection, OnLog
from bridge.sources.handshake import FACE, PATIENCE, Face, Patience
from bridge.sources.http.opening import open_http
from bridge.sources.stdio.opening import open_stdio


async def open_connection(
    server: Server,
    *,
    secret: TenantSecret | None,
    on_log: OnLog,
    patience: Patience = PATIENCE,
    face: Face = FACE,
) -> Connection:
    """A connection whose era is settled. `secret`: of the tenant whose own it is. Raises UpstreamError."""
    match server.transport:
        case Stdio() as how:
            env = how.env | choose_own(secret, server.pool)
            child = await open_stdio(how, limits=server.limits, env=env, on_log=on_log, patience=patience, face=face)
            child.is_shared = is_shared(server.pool)
            return child
        case Http() as how:
            own = secret.bearer if secret else None
            far = await open_http(how, limits=server.limits, bearer=own, on_log=on_log, patience=patience, face=face)
            far.is_shared = is_shared(server.pool)
            return far
        case BuiltIn():
            raise ValueError("a built-in server has no connection to open")


def is_shared(pool: Pool) -> bool:
    """By callers who are strangers to each other."""
    return pool.policy in {"shared", "several"}


def choose_own(secret: TenantSecret | None, pool: Pool) -> dict[str, str]:
    """Of a tenant's variables those the server's operator leaves to tenants, whatever was kept when others were."""
    return {} if secret is None else {name: value for name, value in secret.env.items() if name in pool.own_env}
