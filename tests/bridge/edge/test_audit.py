"""Every call leaves a row, and no call waits for it; what is lost is counted."""

import asyncio
import contextlib
from uuid import UUID

import pytest
from redis.asyncio import Redis

from bridge.engine.audited import FIELD, AuditedCall, decode_call
from bridge.gateway import audit as audit_module
from bridge.gateway.audit import CUT, MAX_ARGUMENTS, Audit, cut_arguments


def row(number: int, arguments: str | None = None) -> AuditedCall:
    return AuditedCall(
        1.5, UUID(int=number), "box", "home", "tool", "ab" * 32, "ok", 2.5, f"request-{number}", "gateway-1", arguments
    )


async def read(redis: Redis) -> list[AuditedCall]:
    entries = await redis.xrange(audit_module.STREAM)
    return [decode_call(fields[FIELD.encode()]) for _, fields in entries]


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(audit_module, "STREAM", "test:mcp:audit")
    return "test:mcp:audit"


def test_rows_are_written_in_their_order(redis_url: str, stream: str) -> None:
    async def main() -> None:
        async with Redis.from_url(redis_url) as redis:
            await redis.delete(stream)
            audit = Audit(redis)
            rows = [row(number) for number in range(1200)]
            for one in rows:
                audit.note(one)
            await audit.flush()
            assert await read(redis) == rows
            assert (audit.written, audit.lost, audit.backlog) == (1200, 0, 0)
            await redis.delete(stream)

    asyncio.run(main())


def test_what_waits_is_written_at_the_end(redis_url: str, stream: str) -> None:
    async def main() -> None:
        async with Redis.from_url(redis_url) as redis:
            await redis.delete(stream)
            audit = Audit(redis)
            task = asyncio.ensure_future(audit.run())
            await asyncio.sleep(0)
            audit.note(row(1))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await read(redis) == [row(1)]
            await redis.delete(stream)

    asyncio.run(main())


def test_it_ends_though_the_client_of_redis_keeps_the_cancellation_to_itself() -> None:
    class Deaf:
        async def eval(self, *_: object) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    async def main() -> None:
        audit = Audit(Deaf())  # type: ignore[arg-type]
        task = asyncio.ensure_future(audit.run())
        for number in range(audit_module.BATCH):
            audit.note(row(number))
        while not audit._wake.is_set():  # noqa: ASYNC110 - it is what the test waits for
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(60):
            await asyncio.wait([task])
        assert audit.written == audit_module.BATCH

    asyncio.run(main())


def test_a_full_batch_does_not_wait(redis_url: str, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "EVERY_S", 3600)

    async def main() -> None:
        async with Redis.from_url(redis_url) as redis:
            await redis.delete(stream)
            audit = Audit(redis)
            async with asyncio.timeout(60):
                task = asyncio.ensure_future(audit.run())
                await asyncio.sleep(0)
                for number in range(audit_module.BATCH):
                    audit.note(row(number))
                while audit.backlog:  # noqa: ASYNC110 - it is what the test waits for
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task])
            assert audit.written == audit_module.BATCH
            await redis.delete(stream)

    asyncio.run(main())


def test_while_redis_is_away_rows_wait_and_the_bound_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "MAX_WAITING", 10)

    async def main() -> None:
        async with Redis(host="127.0.0.1", port=1, retry=None) as redis:
            audit = Audit(redis)
            for number in range(15):
                audit.note(row(number))
            await audit.flush()
            assert (audit.backlog, audit.lost, audit.written, audit.is_away) == (10, 5, 0, True)

    asyncio.run(main())


def test_a_redis_that_hangs_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "WRITE_S", 0.05)

    async def main() -> None:
        silent = asyncio.Event()

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await silent.wait()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        async with Redis(host="127.0.0.1", port=server.sockets[0].getsockname()[1], retry=None) as redis:
            audit = Audit(redis)
            audit.note(row(1))
            await audit.flush()
            assert (audit.backlog, audit.is_away) == (1, True)
            silent.set()
        server.close()

    asyncio.run(main())


def test_arguments_that_wait_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_module, "MAX_WAITING_BYTES", 1000)

    async def main() -> None:
        async with Redis(host="127.0.0.1", port=1, retry=None) as redis:
            audit = Audit(redis)
            for number in range(30):
                audit.note(row(number, "a" * 100))
            assert (audit.backlog, audit.lost) == (11, 19)

    asyncio.run(main())


def test_without_redis_nothing_is_kept() -> None:
    async def main() -> None:
        audit = Audit(None)
        audit.note(row(1))
        await audit.flush()
        assert (audit.backlog, audit.lost, audit.written) == (0, 0, 0)

    asyncio.run(main())


def test_logged_arguments_are_cut() -> None:
    assert cut_arguments(b'{"a":1}') == '{"a":1}'
    long = cut_arguments(b"\xc3\xa9" * 10 * MAX_ARGUMENTS)
    assert long.endswith(CUT)
    assert len(long) == MAX_ARGUMENTS + 1
