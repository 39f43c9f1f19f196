"""Servers of the user's own: asked before anything is started; each fault is one line, and no password is in it."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from psycopg import sql

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.fixture import start_for_tests
from mcp_saas.embedded.given import check_postgres, check_redis
from mcp_saas.settings.base import ENV

PASSWORD = "s3cret%40word"


@pytest.fixture
def admin() -> Iterator[psycopg.Connection]:
    with psycopg.connect(ENV.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def guest_url(admin: psycopg.Connection) -> Iterator[str]:
    """Of a user without any right of its own."""
    name = f"guest_{secrets.token_hex(4)}"
    role = sql.Identifier(name)
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'open sesame'").format(role))
    parts = urlsplit(ENV.database_url)
    yield parts._replace(netloc=f"{name}:open%20sesame@{parts.netloc.rpartition('@')[2]}").geturl()
    admin.execute(sql.SQL("DROP ROLE {}").format(role))


def told(problem: pytest.ExceptionInfo[LaunchError]) -> str:
    message = str(problem.value)
    assert "\n" not in message
    assert not any(secret in message for secret in (PASSWORD, "s3cret@word", "s3cret", "sesame"))
    return message


def postgres_refusal(url: str) -> str:
    with pytest.raises(LaunchError) as problem:
        check_postgres(url)
    return told(problem)


def redis_refusal(url: str) -> str:
    with pytest.raises(LaunchError) as problem:
        check_redis("REDIS_URL", url)
    return told(problem)


def test_servers_that_serve_us_are_used_and_none_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", ENV.database_url)
    monkeypatch.setenv("REDIS_URL", ENV.redis_url)
    database_url, redis_url, stop = start_for_tests(tmp_path)
    assert (database_url, redis_url) == (ENV.database_url, ENV.redis_url)
    assert list((tmp_path / "log").iterdir()) == []
    stop()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://u:s3cret@h/x", "postgresql://u:s3cret#@h/x", "postgresql://u:p@h:s3cret/x"]
)
def test_what_is_no_database_url_is_told_with_the_form_of_one(url: str) -> None:
    assert postgres_refusal(url).startswith(
        "DATABASE_URL is no URL of the form postgresql://user:password@host:5432/name"
    )


def test_a_database_server_that_is_not_there_is_told(port: int) -> None:
    message = postgres_refusal(f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/x")
    assert message == (
        f"DATABASE_URL: 127.0.0.1:{port}/x does not serve us (Connection refused): "
        "start the server, or correct the host and port"
    )
    assert postgres_refusal("postgresql://u:s3cret@no.such.host.invalid/x").endswith("correct the host in it")


def test_a_wrong_password_and_a_missing_database_are_told_apart(guest_url: str) -> None:
    wrong = postgres_refusal(guest_url.replace("open%20sesame", PASSWORD))
    assert "password authentication failed for user" in wrong
    assert wrong.endswith("correct the user or the password in it")
    missing = postgres_refusal(urlsplit(guest_url)._replace(path="/no_such").geturl())
    assert 'database "no_such" does not exist' in missing
    assert missing.endswith("make it with `createdb`, or name another")


def test_a_password_that_libpq_cannot_read_is_not_repeated() -> None:
    assert "does not serve us" in postgres_refusal("postgresql://u:s3cret%zz@127.0.0.1/x")


def test_a_user_that_lacks_rights_is_told_each_with_the_sql_that_gives_it(
    admin: psycopg.Connection, guest_url: str
) -> None:
    """What is told is enough: carried out word for word, the launcher goes on."""
    with pytest.raises(LaunchError) as problem:
        check_postgres(guest_url, owner="nobody_yet")
    message = told(problem)
    place, _, rights = message.partition(" gives too few rights. As its administrator: ")
    assert place.startswith("DATABASE_URL: ")
    statements = [right.rpartition(": ")[2] for right in rights.split("; ")]
    assert len(statements) == 3
    for statement in statements:
        admin.execute(statement.encode())
    assert check_postgres(guest_url, owner="nobody_yet") in place
    for statement in statements[1:]:
        taken_back = statement.removesuffix(" WITH GRANT OPTION").replace(" TO ", " FROM ")
        admin.execute(taken_back.replace("GRANT", "REVOKE").encode())


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1", "redis://:s3cret#@h/0", "redis://h:s3cret/0"])
def test_what_is_no_redis_url_is_told_with_the_form_of_one(url: str) -> None:
    assert redis_refusal(url).startswith("REDIS_URL is no URL of the form redis://:password@host:6379/0")


def test_a_redis_that_is_not_there_is_told(port: int) -> None:
    message = redis_refusal(f"redis://:{PASSWORD}@127.0.0.1:{port}/0")
    assert message.startswith(f"REDIS_URL: 127.0.0.1:{port}/0 does not serve us (")
    assert message.endswith("): start the server, or correct the host and port")


def test_a_wrong_redis_password_and_a_database_it_has_not_are_told_apart() -> None:
    parts = urlsplit(ENV.redis_url)
    wrong = redis_refusal(parts._replace(netloc=f":{PASSWORD}@").geturl())
    assert wrong.endswith("correct the user or the password in it")
    none = redis_refusal(ENV.redis_url.replace(f":{parts.password}@", ""))
    assert none.endswith("write the password into it: redis://:password@host:6379/0")
    assert redis_refusal(parts._replace(query="db=99999").geturl()).endswith("name a database that it has")


def test_a_redis_user_that_may_not_write_is_told() -> None:
    reader = f"reader_{secrets.token_hex(4)}"
    with redis.Redis.from_url(ENV.redis_url) as client:
        client.acl_setuser(reader, enabled=True, passwords=["+sesame"], keys=["*"], commands=["+@read", "+info"])
        parts = urlsplit(ENV.redis_url)
        url = ENV.redis_url.replace(f":{parts.password}@", f"{reader}:sesame@")
        assert redis_refusal(url).endswith("let its user write and ask INFO")
        client.acl_deluser(reader)
