"""Servers of the user's own (DATABASE_URL, REDIS_URL, QDRANT_URL): asked for all we need before anything is started.

What a fault says never holds a password: not even that of a URL we cannot read.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import parse_qs, unquote, urlsplit

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.kit.database_rights import DEFAULT_OWNER, FACTS_QUERY, RoleFacts, find_missing_rights

CONNECT_TIMEOUT_S = 5
OLDEST_POSTGRES = 18  # it reports every change of search_path (tenants/database)
OLDEST_REDIS = 6
WRITE_PROBE = "dazbox:launch"
POSTGRES_FORM = "postgresql://user:password@host:5432/name"
REDIS_FORM = "redis://:password@host:6379/0"
QDRANT_FORM = "https://host:6333"
OLDEST_QDRANT = (1, 19)  # the first that counts IDF over a filter, so of one tenant
# What a server says, and what to do then; the last is for whatever else.
POSTGRES_HINTS = {
    "password": "correct the user or the password in it",
    "role": "make that user, or name another",
    "database": "make it with `createdb`, or name another",
    "resolve host": "correct the host in it",
    "": "start the server, or correct the host and port",
}
REDIS_HINTS = {
    "username-password": "correct the user or the password in it",
    "Authentication required": f"write the password into it: {REDIS_FORM}",
    "HELLO must be": f"write the password into it: {REDIS_FORM}",
    "DB index": "name a database that it has",
    "read only": "name the primary server, not a replica",
    "no permissions": "let its user write and ask INFO",
    "OOM": "give it more memory",
    "MISCONF": "mend its disk, it cannot save",
    "Name or service": "correct the host in it",
    "": "start the server, or correct the host and port",
}
QDRANT_HINTS = {
    "status 401": "set QDRANT_API_KEY to a key of it",
    "status 403": "set QDRANT_API_KEY to a key that may read and write",
    "": "start the server, or correct the host and port",
}


def check_postgres(url: str, *, owner: str = DEFAULT_OWNER) -> str:
    """Where it is, for people; `owner` is DATABASE_OWNER. Raises LaunchError: not a URL, unreachable, refused, too old,
    a replica, without the rights.
    """
    import psycopg  # 10 MB that only this needs

    place = describe_place("DATABASE_URL", url, schemes={"postgresql", "postgres"}, form=POSTGRES_FORM)
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            major = connection.info.server_version // 10_000
            is_replica = connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            facts = connection.execute(FACTS_QUERY, [owner]).fetchone() or ()
    except psycopg.Error as error:
        words = [line for line in str(error).splitlines() if line.strip() and not line.startswith("\t")]
        said = re.sub(r".* failed: |FATAL: +", "", words[-1] if words else "no answer")
        raise refuse("DATABASE_URL", place, said=conceal(said, url), hints=POSTGRES_HINTS) from None
    if major < OLDEST_POSTGRES:
        raise LaunchError(f"DATABASE_URL: {place} is PostgreSQL {major}: name one of {OLDEST_POSTGRES} or newer")
    if is_replica:
        raise LaunchError(f"DATABASE_URL: {place} is a replica: name the primary server")
    if missing := find_missing_rights(RoleFacts(*facts), owner):
        raise LaunchError(f"DATABASE_URL: {place} gives too few rights. As its administrator: {'; '.join(missing)}")
    return place


def check_redis(name: str, url: str) -> str:
    """Where it is, for people; `name` is the variable. Raises LaunchError: not a URL, unreachable, refused, too old."""
    import redis

    place = describe_place(name, url, schemes={"redis", "rediss", "unix"}, form=REDIS_FORM)
    waits = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": CONNECT_TIMEOUT_S}
    try:
        with redis.Redis.from_url(url, **waits) as client:
            client.set(WRITE_PROBE, "1", ex=10)
            version = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError, OSError) as error:
        raise refuse(name, place, said=conceal(str(error), url), hints=REDIS_HINTS) from None
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        raise LaunchError(f"{name}: {place} is Redis {version}: name one of {OLDEST_REDIS} or newer, or Valkey")
    return place


def check_qdrant(url: str, api_key: str) -> str:
    """Where it is, for people. Raises LaunchError: not a URL, unreachable, refused, too old."""
    import httpx

    place = describe_place("QDRANT_URL", url, schemes={"http", "https"}, form=QDRANT_FORM)
    try:
        with httpx.Client(base_url=url, headers={"api-key": api_key}, timeout=CONNECT_TIMEOUT_S) as client:
            answer = client.get("/collections")
            if answer.status_code != httpx.codes.OK:
                raise refuse("QDRANT_URL", place, said=f"status {answer.status_code}", hints=QDRANT_HINTS)
            version = str(client.get("/").json()["version"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise refuse("QDRANT_URL", place, said=conceal(str(error), url), hints=QDRANT_HINTS) from None
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST_QDRANT:
        oldest = ".".join(map(str, OLDEST_QDRANT))
        raise LaunchError(f"QDRANT_URL: {place} is Qdrant {version}: name one of {oldest} or newer")
    return place


def describe_place(name: str, url: str, *, schemes: Collection[str], form: str) -> str:
    """`host:port/database` or the path of a socket. Raises LaunchError if it is no URL of these schemes."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in schemes or parts.fragment:
        raise LaunchError(f"{name} is no URL of the form {form} (in a password, other than letters and digits as %XX)")
    host = parts.hostname or "".join(parse_qs(parts.query).get("host", []))
    return f"{host}{port}{unquote(parts.path)}"


def refuse(name: str, place: str, *, said: str, hints: Mapping[str, str]) -> LaunchError:
    hint = next(todo for words, todo in hints.items() if words in said)
    return LaunchError(f"{name}: {place} does not serve us ({said}): {hint}")


def conceal(said: str, url: str) -> str:
    """One line without the URL's password, as it is written there and as it reads."""
    passwords = {urlsplit(url).password or "", unquote(urlsplit(url).password or "")} - {""}
    for password in sorted(passwords, key=len, reverse=True):
        said = said.replace(password, "***")
    return " ".join(said.split())[:300]
