"""What the middleware puts around an answer: asked once for each way a request can arrive, and not each time.

Host and scheme are judged, and headers given, by the middleware itself. It is shown a request that has nothing but
what is named in `ARRIVAL`, so nothing else can have made a difference.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache, reduce
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

Arrival = tuple[str | None, ...]
Headers = tuple[tuple[str, str], ...]
ARRIVAL: Final = (
    "HTTP_HOST",
    "HTTP_ORIGIN",
    "HTTP_X_FORWARDED_PROTO",
    "SERVER_NAME",
    "SERVER_PORT",
    "wsgi.url_scheme",
)
# These tell something of each request, or serve files.
EACH_TIME: Final = frozenset({
    "mcp_saas.api.middleware.MetricsMiddleware",
    "mcp_saas.api.middleware.RequestIdMiddleware",
    "mcp_saas.api.middleware.BodyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
})
# And these headers are of one answer.
OF_ONE_ANSWER: Final = frozenset({"ETag", "Content-Length"})
_LONGEST_NAME: Final = 300
_MOST_FRAMES: Final = 1000  # who sends more host names than that is none of ours
Answering = Callable[[HttpRequest], HttpResponse]


class Frames:
    """Of answers at addresses that begin with `path`. `dress` makes one without a body, by its key."""

    def __init__(self, path: str, dress: Callable[[Any], HttpResponse]) -> None:
        self._path, self._dress = path, dress
        innermost: Answering = _give_known
        self._around = reduce(_wrap, reversed(settings.MIDDLEWARE), innermost)
        self.find = lru_cache(_MOST_FRAMES)(self._ask)

    def _ask(self, key: Hashable, arrival: Arrival) -> Headers | None:
        """The headers; None where the middleware lets nobody through, or sends him elsewhere."""
        known = self._dress(key)
        request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.input": BytesIO(), **_name(arrival, path=self._path)})
        request.known_answer = known  # type: ignore[attr-defined]
        try:
            framed = self._around(request)
        except SuspiciousOperation:
            return None
        return tuple(one for one in framed.items() if one[0] not in OF_ONE_ANSWER) if framed is known else None


def read_arrival(environ: Mapping[str, Any]) -> Arrival | None:
    """None: a name in it is longer than is worth remembering."""
    arrival = tuple(map(environ.get, ARRIVAL))
    return None if any(value and len(value) > _LONGEST_NAME for value in arrival) else arrival


def _name(arrival: Arrival, *, path: str) -> dict[str, str]:
    told = {name: value for name, value in zip(ARRIVAL, arrival, strict=True) if value is not None}
    return told | {"PATH_INFO": path}


def _wrap(inner: Answering, path: str) -> Answering:
    outer: Answering = inner if path in EACH_TIME else import_string(path)(inner)
    return outer


def _give_known(request: HttpRequest) -> HttpResponse:
    known: HttpResponse = request.known_answer  # type: ignore[attr-defined]
    return known
