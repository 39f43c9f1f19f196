"""The knowledge of an instance: vectors and embedder in one process, unless the user has a Qdrant and an embedder."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from mcp_saas.embedded.given import check_qdrant
from mcp_saas.embedded.knowledge.command import SERVICE, address_of, bind_listener, knowledge_command, model_command
from mcp_saas.embedded.state import StateFolder, make_private_folder
from mcp_saas.embedded.supervisor import Supervisor

IDLE_S = 60.0


class KnowledgeService:
    """Its address is known before anything of it runs: web and worker are told it."""

    def __init__(self, state: StateFolder, *, given: Mapping[str, str]) -> None:
        """`given`: what the user set. QDRANT_URL and EMBEDDER_URL of the user's own are used instead of ours.

        Raises LaunchError when that Qdrant does not serve us.
        """
        if url := given.get("QDRANT_URL"):
            check_qdrant(url, given.get("QDRANT_API_KEY", ""))
        self._state, self._key = state, state.secret(SERVICE)
        self._listener = bind_listener()
        address = address_of(self._listener)
        store = {"QDRANT_URL": address, "QDRANT_API_KEY": self._key, "QDRANT_ON_DEMAND": "true"}
        ours = {} if given.get("QDRANT_URL") else store
        ours |= {} if given.get("EMBEDDER_URL") else {"EMBEDDER_URL": f"{with_key(address, self._key)}/embed"}
        self.environment: Mapping[str, str] = ours

    def start(self, supervisor: Supervisor, *, environment: Mapping[str, str]) -> None:
        """Opens the socket; the process comes with the first connection. `environment`: of every process.

        Meanwhile the local model is made, once a state folder, so that the first question need not wait for it.
        """
        if not self.environment:
            self.close()
            return
        folder = make_private_folder(self._state.home / SERVICE)
        command = knowledge_command(folder, self._listener, api_key=self._key, environment=environment, idle_s=IDLE_S)
        supervisor.start_on_demand(command, self._listener)
        if "EMBEDDER_URL" in self.environment and not environment.get("OPENAI_API_KEY"):
            supervisor.start_errand(model_command(environment))

    def close(self) -> None:
        """When it is not started after all."""
        self._listener.close()


def with_key(address: str, key: str) -> str:
    """The key as the URL's password, where every HTTP client finds it."""
    parts = urlsplit(address)
    return parts._replace(netloc=f":{key}@{parts.netloc}").geturl()
