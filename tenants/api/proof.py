"""Views that take a node's signature: who fails too often has to wait."""

from typing import Any

from rest_framework.request import Request

from mcp_saas.api.rate_limit import name_caller
from mcp_saas.api.view import ApiView
from mcp_saas.kit.errors import Problem
from tenants.provisioning.proof import COUNTED, note_failure, refuse_guessing


class ProofView(ApiView):
    rate_class = "provisioning"
    _pubkey = ""

    def refuse_guessing(self, request: Request, pubkey: str) -> None:
        """Raises Problem 429 after five failures for this node."""
        self._pubkey = pubkey
        refuse_guessing(name_caller(request), pubkey)

    def handle_exception(self, exc: Exception) -> Any:
        """Failures are counted here, when whatever the request did is undone."""
        if isinstance(exc, Problem) and exc.code in COUNTED:
            note_failure(name_caller(self.request), self._pubkey)
        return super().handle_exception(exc)
