"""What an operator wants done at once, told to all gateways."""

import msgspec
from redis.exceptions import RedisError

from bridge.engine.board import Command, name_command_channel
from bridge.manager.board import board, refuse_without
from mcp_saas.kit.errors import Problem


def restart_server(name: str, *, key: str | None = None) -> int:
    """How many gateways heard it. Raises Problem 503 where none did."""
    try:
        channel = name_command_channel(board().connection_pool.connection_kwargs)
        heard = int(board().publish(channel, msgspec.json.encode(Command("restart", name, key))))
    except RedisError as error:
        raise refuse_without(error) from error
    if heard == 0:
        raise Problem(
            503,
            "no-gateway",
            "No gateway is running",
            detail="Nobody heard it: start a gateway.",
        )
    return heard
