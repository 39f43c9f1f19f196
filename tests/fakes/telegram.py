"""Telegram's Bot API on a loopback socket, as far as bots send messages.

As documented: every answer is a JSON object with `ok`; refusals have `error_code` and `description`, and a 429
`parameters.retry_after`. https://core.telegram.org/bots/api#making-requests
"""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.json_server import PATIENCE_S, Call, JsonServer, Reply

TOKEN = "123456:" + "A" * 35
CHAT = "-100200300"


def refuse(code: int, description: str, **parameters: int) -> Reply:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Reply(status=code, body=body | ({"parameters": parameters} if parameters else {}))


BLOCKED = refuse(403, "Forbidden: bot was blocked by the user")
NO_CHAT = refuse(400, "Bad Request: chat not found")
TOO_LONG = refuse(400, "Bad Request: message is too long")


def slow_down(seconds: int) -> Reply:
    return refuse(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


@dataclass
class Stall:
    """One call that gets no answer until it is `over`: the message was taken, or was lost on its way."""

    takes_it: bool
    reached: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


@dataclass
class Telegram:
    """`texts` are those it took, in order; `answers` are given first, one a call, instead of taking it; then the next
    call meets the `stall`.
    """

    answers: list[Reply] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    stall: Stall | None = None

    def serve(self, port: int = 0) -> JsonServer:
        return JsonServer(self.respond, port=port)

    def respond(self, call: Call) -> Reply:
        if call.path != f"/bot{TOKEN}/sendMessage" or call.method != "POST":
            known = call.path.startswith(f"/bot{TOKEN}/")
            return refuse(404, "Not Found") if known else refuse(401, "Unauthorized")
        if self.answers:
            return self.answers.pop(0)
        stall, self.stall = self.stall, None
        if stall is None:
            return self._take(json.loads(call.body))
        reply = self._take(json.loads(call.body)) if stall.takes_it else Reply(status=500, body=b"")
        stall.reached.set()
        stall.over.wait(PATIENCE_S)
        return reply

    def _take(self, body: dict[str, Any]) -> Reply:
        if body["chat_id"] != CHAT:
            return NO_CHAT
        if len(body["text"].encode("utf-16-le")) // 2 > 4096:
            return TOO_LONG
        self.texts.append(body["text"])
        message = {"message_id": len(self.texts), "date": 0, "chat": {"id": int(CHAT)}, "text": body["text"]}
        return Reply(body={"ok": True, "result": message})
