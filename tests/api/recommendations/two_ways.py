"""The same request of both ways: past Django, where a kept answer is given before it is asked, and through it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import redis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from mcp_saas.api.rate_limit import find_quota, name_counter
from recommendations.api.kept import put_before
from tenants.tokens.access import mint_access_token
from tests.factories import Box

REQUEST_ID = "0b6c2f0e-6f43-4b0f-9f6e-1d2b1a3c4d5e"
_OF_THE_MOMENT = re.compile(rb'"timestamp":"[^"]*"')
Environ = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> int:
        return int(self.status.split()[0])

    def tell(self) -> tuple[str, dict[str, str], bytes]:
        """All of it, but when it was made: what is not kept is made for each."""
        return self.status, self.headers, _OF_THE_MOMENT.sub(b"", self.body)


@dataclass
class TwoWays:
    """`passed_on`: how many requests Django was asked by the one before it."""

    django: Any = field(default_factory=WSGIHandler)
    passed_on: int = 0

    def __post_init__(self) -> None:
        self._kept = put_before(self._pass_on)

    def through(self, environ: Environ) -> Answer:
        return _ask(self.django, environ)

    def past(self, environ: Environ) -> Answer:
        return _ask(self._kept, environ)

    def _pass_on(self, environ: Environ, start_response: Any) -> Any:
        self.passed_on += 1
        return self.django(environ, start_response)


def token_for(box: Box, *scopes: str, version: int = 0) -> str:
    granted: Any = list(scopes or ("read",))
    return mint_access_token(subject="x", scopes=granted, tenant_id=box.dazbox.id, token_version=version)


def ask_both(ways: TwoWays, box: Box, name: str, *, token: str | None, **change: Any) -> tuple[Answer, Answer]:
    """Past Django first, and each with its whole quota."""
    answers = []
    for ask in (ways.past, ways.through):
        forget_limit(box)
        answers.append(ask(write_environ(box.path(name), token, **change)))
    past, through = answers
    return past, through


def warm(ways: TwoWays, box: Box, name: str, **change: Any) -> Answer:
    """Twice: what the second finds is kept."""
    environ = write_environ(box.path(name), token_for(box), **change)
    return [ways.through(environ) for _ in range(2)][-1]


@contextmanager
def two_ways() -> Iterator[TwoWays]:
    """As in a process of its own, but that connections outlive requests: the test's transaction is in them."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield TwoWays()
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def write_environ(path: str, token: str | None, **changes: Any) -> Environ:
    """What a server hands over. A change to None takes the name out."""
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_X_REQUEST_ID": REQUEST_ID,
        "HTTP_AUTHORIZATION": f"Bearer {token}" if token else None,
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(changes.pop("body", b"")),
        "wsgi.errors": BytesIO(),
    } | changes
    return {name: value for name, value in environ.items() if value is not None}


def forget_limit(box: Box) -> None:
    """The next request of the box finds its whole quota."""
    counter = name_counter(find_quota("default"), str(box.dazbox.id))
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        client.delete(counter)


def _ask(application: Any, environ: Environ) -> Answer:
    heads: list[tuple[str, list[tuple[str, str]]]] = []
    response = application(dict(environ), lambda *head: heads.append(head))
    body = b"".join(response)
    getattr(response, "close", bool)()
    [(status, headers)] = heads
    assert len(dict(headers)) == len(headers), "a header twice"
    return Answer(status, dict(headers), body)
