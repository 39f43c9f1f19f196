"""A small JSON server on a loopback socket, for fakes of the systems the box talks to."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PATIENCE_S = 90  # of a test for what comes, and of a server that hangs


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    path: str  # with its query
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int = 200
    body: object = field(default_factory=dict)  # bytes go out as they are, an iterator's piece by piece, else JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class JsonServer:
    """Answers every request with `respond`; `calls` holds them in order. Use as a context manager."""

    def __init__(self, respond: Callable[[Call], Reply], *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.calls: list[Call] = []
        self._called = threading.Condition()
        self._respond = respond
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._build_handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that leave are no news
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for_calls(self, ending: str, count: int) -> None:
        """Until `count` calls came to paths with this ending. Raises AssertionError when they do not come."""
        with self._called:
            came = self._called.wait_for(lambda: len(self.calls_to(ending)) >= count, timeout=PATIENCE_S)
        assert came, f"{count} calls to {ending} did not come"

    def calls_to(self, ending: str) -> list[Call]:
        return [call for call in self.calls if call.path.endswith(ending)]

    def answer(self, call: Call) -> Reply:
        with self._called:
            self.calls.append(call)
            self._called.notify_all()
        return self._respond(call)

    def _build_handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(method=self.command, path=self.path, headers=dict(self.headers.items()), body=body)
                reply = server.answer(call)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if isinstance(reply.body, Iterator):
                    self.end_headers()
                    for piece in reply.body:
                        self.wfile.write(piece)
                    return
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                self.handle_any()

            def do_POST(self) -> None:
                self.handle_any()

            def log_message(self, *_: Any) -> None: ...

        return Handler
