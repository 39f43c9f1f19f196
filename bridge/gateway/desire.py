"""Follows the catalogue: what the control plane wants runs soon after, here and in every other gateway."""

import asyncio
import contextlib
from collections.abc import Mapping

import msgspec
from redis.exceptions import RedisError

from bridge.engine.board import CATALOGUE, CHANGED, Command, name_command_channel, open_catalogue
from bridge.engine.server import Catalogue
from bridge.gateway.config import Config
from bridge.gateway.fleet.desired import CatalogueError, add_builtin, find_change, read_file
from bridge.gateway.parts import Parts
from mcp_saas.kit.crypto import SealError

LOOK_EVERY_S = 2.0


class Desire:
    """Redis away, or what cannot be read: it goes on with what it has. `values`: for placeholders of a file."""

    def __init__(self, config: Config, parts: Parts, *, values: Mapping[str, str]) -> None:
        self._config, self._parts, self._values = config, parts, values
        self._last: bytes | None = None
        self.last_fault: str | None = None

    def check_file(self) -> None:
        """Raises CatalogueError where there is one, and it cannot be read."""
        if self._config.servers_file is not None:
            read_file(self._config.servers_file, self._values)

    async def read_first(self) -> None:
        """Before anybody calls. Raises CatalogueError for a file that cannot be read; Redis may come later."""
        path = self._config.servers_file
        if path is not None:
            await self._take(read_file(path, self._values))
            return
        await self._look()

    async def run(self) -> None:
        if self._config.servers_file is not None:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                await self._look_at_file()
        while True:
            with contextlib.suppress(RedisError, OSError):
                await self._follow()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_at_file(self) -> None:
        path = self._config.servers_file
        if path is None or not find_change(path, self._parts.fleet.catalogue.revision):
            return
        try:
            await self._take(read_file(path, self._values))
        except CatalogueError as error:
            self.last_fault = str(error)

    async def _follow(self) -> None:
        """Told of changes, and looking by itself: what is told may be lost."""
        redis = self._parts.redis
        if redis is None:
            return
        commands = name_command_channel(redis.connection_pool.connection_kwargs)
        async with redis.pubsub() as channel:
            await channel.subscribe(CHANGED, commands)
            while True:
                await self._look()
                told = await channel.get_message(ignore_subscribe_messages=True, timeout=LOOK_EVERY_S)
                if told is not None and told["channel"] == commands.encode():
                    await self._obey(told["data"])

    async def _look(self) -> None:
        redis, key = self._parts.redis, self._config.state_key
        if redis is None or key is None:
            return
        try:
            sealed = await redis.get(CATALOGUE)
            if isinstance(sealed, bytes) and sealed != self._last:
                await self._take(open_catalogue(sealed, key))
                self._last = sealed
            await self._parts.renew()
        except (RedisError, OSError, SealError) as error:
            self.last_fault = str(error)

    async def _take(self, catalogue: Catalogue) -> None:
        self._parts.door.revoke(closed=catalogue.closed, token_versions=catalogue.token_versions)
        await self._parts.fleet.apply(add_builtin(catalogue) if self._config.api_url else catalogue)
        self.last_fault = None

    async def _obey(self, data: bytes) -> None:
        try:
            command = msgspec.json.decode(data, type=Command)
        except msgspec.DecodeError:
            return  # of a newer control plane
        upstream = self._parts.fleet.find(command.server)
        if upstream is not None:
            await upstream.restart(command.key)
