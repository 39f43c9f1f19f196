"""A process that owns a child, for the tests that kill it: it prints the pids of child, grandchild and warden."""

import asyncio

import psutil
import uvloop

from tests.bridge.sources.stage import call_text, make_server, opened


async def main() -> None:
    async with opened(make_server("faulty.py", "--stubborn")) as connection:
        grandchild = await call_text(connection, "spawn", {"own_session": True})
        [warden] = [child.pid for child in psutil.Process().children() if child.pid != connection.pid]
        print(connection.pid, grandchild, warden, flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
