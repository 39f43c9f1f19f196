"""Whether the store of vectors answers, for the health of the service."""

from typing import Literal

import httpx
from django.conf import settings

from rag.sources.qdrant.connect import list_breakers

PROBE_S = 2.0


def probe_store() -> Literal["connected", "degraded", "disconnected"]:
    """One that starts when it is asked (QDRANT_ON_DEMAND) is not woken: its last answer to this process counts."""
    env = settings.ENV
    if env.qdrant_on_demand:
        return "disconnected" if any(breaker.has_failed for breaker in list_breakers()) else "connected"
    try:
        status = httpx.get(f"{env.qdrant_url}/readyz", timeout=PROBE_S, trust_env=False).status_code
    except httpx.HTTPError:
        return "disconnected"
    return "connected" if status == httpx.codes.OK else "degraded"
