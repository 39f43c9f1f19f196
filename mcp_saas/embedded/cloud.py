"""The few calls the demonstration makes of the API, as a shop and as an owner would."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from mcp_saas.embedded.errors import LaunchError


class CloudClient:
    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        self._netloc, self._prefix = parts.netloc, parts.path

    def sign_in_client(self, client_id: str, client_secret: str) -> str:
        body = {"client_id": client_id, "client_secret": client_secret}
        return str(self._call("POST", "/auth/token", body)["access"])

    def make_claims(self, token: str, count: int, *, label: str) -> list[str]:
        answer = self._call("POST", "/provisioning/claims", {"count": count, "label": label}, token=token)
        return [item["code"] for item in answer["items"]]

    def latest_run(self, pubkey: str, token: str) -> dict[str, Any] | None:
        run: dict[str, Any] | None = self._call("GET", f"/node/{pubkey}/runs/latest", token=token)["run"]
        return run

    def _call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> dict[str, Any]:
        """The JSON answer. Raises LaunchError with the problem's words."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection(self._netloc, timeout=30.0)
        try:
            connection.request(method, self._prefix + path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise LaunchError(f"{method} {path} was refused: {answer.get('detail', response.status)}")
        return answer
