"""A receiver of webhooks on a loopback socket, which believes only what `standardwebhooks` has verified."""

from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.fakes.json_server import Call, JsonServer, Reply
from tests.fakes.telegram import PATIENCE_S, Stall


@dataclass
class Receiver:
    """`secrets` are those it knows, any of which will do. `answers` are given first, one a call; then the next call
    meets the `stall`, and all others are taken.
    """

    secrets: list[str] = field(default_factory=list)
    answers: list[Reply] = field(default_factory=list)
    stall: Stall | None = None
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # webhook-id and body
    calls: list[Call] = field(default_factory=list)

    def serve(self, port: int = 0) -> JsonServer:
        return JsonServer(self.respond, port=port)

    def respond(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.answers:
            return self.answers.pop(0)
        stall, self.stall = self.stall, None
        if stall is None:
            return self._take(call)
        reply = self._take(call) if stall.takes_it else Reply(status=500)
        stall.reached.set()
        stall.over.wait(PATIENCE_S)
        return reply

    @property
    def events(self) -> list[str]:
        return [body["type"] for _, body in self.taken]

    def verifies(self, call: Call, secret: str) -> bool:
        try:
            Webhook(secret).verify(call.body, {name.lower(): value for name, value in call.headers.items()})
        except WebhookVerificationError:
            return False
        return True

    def _take(self, call: Call) -> Reply:
        headers = {name.lower(): value for name, value in call.headers.items()}
        for secret in self.secrets:
            if self.verifies(call, secret):
                self.taken.append((headers["webhook-id"], Webhook(secret).verify(call.body, headers)))
                return Reply(status=204)
        return Reply(status=401)
