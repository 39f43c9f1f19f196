"""The stores of this process, by QDRANT_URL and QDRANT_API_KEY."""

import os
import threading

from django.conf import settings

from mcp_saas.kit.breaker import Breaker
from rag.engine.embedding import EmbeddingModel
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.store import Store

_stores: dict[tuple[object, ...], Store] = {}
_lock = threading.Lock()


def connect(model: EmbeddingModel) -> Store:
    """One a model and process, so one breaker too. No request is made yet: Qdrant may be down.

    A forked child gets its own: the connections of its parent are not its to use.
    """
    env = settings.ENV
    key = env.qdrant_api_key.get_secret_value() if env.qdrant_api_key else None
    name = (os.getpid(), env.qdrant_url, key, env.qdrant_collection, model.id, model.dimension)
    with _lock:
        if name not in _stores:
            _stores[name] = Store(open_border(env.qdrant_url, key), prefix=env.qdrant_collection, model=model)
        return _stores[name]


def list_breakers() -> list[Breaker]:
    """Of this process's connections to QDRANT_URL: what they know of it."""
    with _lock:
        return [store.breaker for name, store in _stores.items() if name[:2] == (os.getpid(), settings.ENV.qdrant_url)]
