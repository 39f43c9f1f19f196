"""A client that costs little beside the server it asks: sockets that stay open, requests made in advance."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: milliseconds of each answer, and answers a second of all clients together."""

    latencies_ms: list[float] = field(repr=False)
    rate: float

    def take(self, share: float) -> float:
        return round(sorted(self.latencies_ms)[int(share * (len(self.latencies_ms) - 1))], 2)


def make_request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def ask_for(port: int, requests: Sequence[bytes], *, seconds: float, clients: int = CLIENTS) -> Load:
    """Each client walks through its share of the requests again and again. Anything but a 200 is an AssertionError."""
    latencies: list[list[float]] = [[] for _ in range(clients)]
    faults: list[BaseException] = []
    ends_at = time.perf_counter() + seconds

    def run(number: int) -> None:
        try:
            with Connection(port) as server:
                for request in _walk(requests[number::clients], ends_at):
                    started = time.perf_counter()
                    server.ask(request)
                    latencies[number].append((time.perf_counter() - started) * 1000)
        except BaseException as fault:  # noqa: BLE001 - raised by whoever started the threads
            faults.append(fault)

    started = time.perf_counter()
    threads = [threading.Thread(target=run, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    taken = [each for one in latencies for each in one]
    return Load(taken, len(taken) / (time.perf_counter() - started))


def _walk(requests: Sequence[bytes], ends_at: float) -> Iterator[bytes]:
    for request in itertools.cycle(requests):
        if time.perf_counter() >= ends_at:
            return
        yield request


class Connection:
    """HTTP/1.1 as far as these answers need it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        """The body of a 200."""
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._take()
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), received[:500]
        lowered = head.lower()
        at = lowered.index(b"content-length:") + len(b"content-length:")
        length = int(lowered[at:].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self._take()
        return body

    def _take(self) -> bytes:
        chunk = self._socket.recv(1 << 18)
        assert chunk, "the server closed the connection"
        return chunk
