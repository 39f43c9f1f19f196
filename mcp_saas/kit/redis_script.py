"""Scripts in Redis, each call over a connection of its thread's own.

The client's way there (a pool with its locks, retries, observers) costs three times what the call itself does, and
scripts are what every request begins with.
"""

import os
import threading
from typing import Any

import redis
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError

Argument = str | int | float | bytes


class Line:
    """To one Redis. Threads and forked processes each have a connection of their own."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._own = threading.local()

    def ask(self, *command: Argument) -> Any:
        """Raises RedisError. A connection that was lost since it was used last is made again, once."""
        connection, is_new = self._find_connection()
        try:
            connection.send_command(*command)
            return connection.read_response()
        except LostError:
            if is_new:
                raise
        connection.send_command(*command)
        return connection.read_response()

    def _find_connection(self) -> tuple[Any, bool]:
        """The thread's connection, and whether nothing has been asked over it."""
        pool = self._client.connection_pool
        owner = (os.getpid(), pool)
        known, connection = getattr(self._own, "connection", (None, None))
        if known == owner:
            return connection, False
        made = pool.connection_class(**pool.connection_kwargs)
        self._own.connection = owner, made
        return made, True


class Script:
    """Sent whole where Redis does not know it, else by its name."""

    def __init__(self, line: Line, text: str) -> None:
        self._line, self._text = line, text
        self._name: str | None = None

    def __call__(self, *, keys: tuple[str, ...], args: tuple[Argument, ...]) -> Any:
        """Raises RedisError."""
        try:
            if self._name is not None:
                return self._line.ask("EVALSHA", self._name, len(keys), *keys, *args)
        except NoScriptError:
            pass
        self._name = self._line.ask("SCRIPT", "LOAD", self._text).decode()
        return self._line.ask("EVALSHA", self._name, len(keys), *keys, *args)
