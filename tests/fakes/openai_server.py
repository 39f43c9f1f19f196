"""OpenAI's API on a loopback socket: what it answers, how it fails. The SDK uses httpx2, which no mock of httpx meets.

Shapes as documented: https://platform.openai.com/docs/api-reference
"""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MODEL = "fake-model"
KEY = "sk-" + "fake" * 10
PATIENCE_S = 90  # how long it hangs
Body = bytes | Iterator[bytes]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request. `body` is its JSON."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        return json.dumps(self.body, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer. A body of pieces is sent one by one and not announced by its length."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Asked], Said]


class OpenAIServer:
    """Answers every request with `script`; `asked` holds them in order. Use as a context manager."""

    def __init__(self, script: Script) -> None:
        self.asked: list[Asked] = []
        self.script = script
        self.over = threading.Event()  # set when the server goes: whoever hangs lets go
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._build_handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that leave are no news
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _build_handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(
                    path=self.path,
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=json.loads(raw),
                )
                server.asked.append(asked)
                self._say(server.script(asked))

            def _say(self, said: Said) -> None:
                is_whole = isinstance(said.body, bytes | dict | list)
                content = (
                    said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode() if is_whole else b""
                )
                self.send_response(said.status)
                headers = {"Content-Type": "application/json", "x-request-id": "req_fake"} | dict(said.headers)
                for name, value in headers.items():
                    self.send_header(name, value)
                if is_whole:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                for piece in [content] if is_whole else said.body:
                    self.wfile.write(piece)
                    self.wfile.flush()

            def log_message(self, *_: Any) -> None: ...

        return Handler


def answer_of(sentences: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    """A model's text: sentences, each with its (evidence, quote)."""
    drafted = [
        {"text": text, "citations": [{"evidence": name, "quote": quote} for name, quote in cited]}
        for text, cited in sentences
    ]
    return json.dumps({"sentences": drafted}, ensure_ascii=False)


def say(asked: Asked, text: str, *, tokens: int = 120) -> Said:
    """The text, in the shape of whichever address was asked."""
    usage = {"input_tokens": tokens - 20, "output_tokens": 20, "total_tokens": tokens}
    if asked.path.endswith("/responses"):
        return Said(body=make_response([{"type": "output_text", "text": text, "annotations": []}], usage))
    message = {"role": "assistant", "content": text}
    chat_usage = {"prompt_tokens": tokens - 20, "completion_tokens": 20, "total_tokens": tokens}
    return Said(body=make_chat([{"index": 0, "finish_reason": "stop", "message": message}], chat_usage))


def make_response(content: list[dict[str, Any]], usage: dict[str, int], *, status: str = "completed") -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "status": status,
        "model": MODEL,
        "output": [message] if content else [],
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "tools": [],
        "usage": usage
        | {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }


def make_chat(choices: list[dict[str, Any]], usage: dict[str, int]) -> dict[str, Any]:
    return {
        "id": "chat_1",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": choices,
        "usage": usage,
    }


def refuse(status: int, message: str, *, code: str | None = None, **headers: str) -> Said:
    """An error as the API words it."""
    error = {"message": message, "type": "error", "param": None, "code": code}
    return Said(
        status=status, body={"error": error}, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


USAGE = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}


def fail(kind: str, over: threading.Event) -> Script:
    """The ways in which a model fails, by name."""

    def hang(_: Asked) -> Said:
        over.wait(PATIENCE_S)
        return Said()

    def drip(_: Asked) -> Said:
        def pieces() -> Iterator[bytes]:
            yield b'{"id": "'
            while not over.wait(0.05):
                yield b"x"

        return Said(body=pieces())

    text = answer_of([("The fee goes up.", [("E1", "the fee")])])
    scripts: dict[str, Script] = {
        "429 with Retry-After": lambda _: refuse(
            429, "Rate limit reached", code="rate_limit_exceeded", retry_after="30"
        ),
        "500": lambda _: refuse(500, "The server had an error"),
        "hang": hang,
        "truncated JSON": lambda asked: say(asked, text[: len(text) // 2]),
        "wrong schema": lambda asked: say(asked, '{"answer": "The fee goes up."}'),
        "HTML": lambda _: Said(body=b"<html><body>Bad gateway</body></html>", headers={"Content-Type": "text/html"}),
        "empty choices": lambda asked: Said(
            body=make_response([], USAGE) if asked.path.endswith("/responses") else make_chat([], {})
        ),
        "refusal": lambda _: Said(body=make_response([{"type": "refusal", "refusal": "I cannot help with it"}], USAGE)),
        "slow drip": drip,
        "deep": lambda _: Said(body=b"[" * 100_000),
        "large": lambda _: Said(body=iter([b'{"id": "'] + [b"a" * 100_000] * 20)),
        "packed": lambda _: Said(body=gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"}),
    }
    return scripts[kind]


FAILURES = (
    *("429 with Retry-After", "500", "hang", "truncated JSON", "wrong schema", "HTML", "empty choices", "refusal"),
    *("slow drip", "deep", "large", "packed"),
)
