"""Answers above 1 kB are sent compressed to whoever takes them so. Streams never are: an event must not wait."""

import asyncio
import gzip

import zstandard

from bridge.gateway.stream import Header

SMALLEST = 1024
LARGE = 128 << 10  # beyond this another thread does it
ZSTD_LEVEL, GZIP_LEVEL = 3, 5


async def compress(body: bytes, accepted: bytes) -> tuple[bytes, tuple[Header, ...]]:
    """`accepted`: the Accept-Encoding of the request. The body to send, and the headers that tell of it."""
    if len(body) < SMALLEST or not accepted:
        return body, ()
    name = choose(accepted)
    if name is None:
        return body, ()
    pack = pack_zstd if name == b"zstd" else pack_gzip
    packed = await asyncio.to_thread(pack, body) if len(body) > LARGE else pack(body)
    return packed, ((b"content-encoding", name), (b"vary", b"accept-encoding"))


def choose(accepted: bytes) -> bytes | None:
    names = {
        part.partition(b";")[0].strip()
        for part in accepted.lower().split(b",")
        if b"q=0" not in part or b"q=0." in part
    }
    return next((name for name in (b"zstd", b"gzip") if name in names), None)


def pack_zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)


def pack_gzip(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)
