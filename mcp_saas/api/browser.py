"""What browsers are told: which foreign origins may read the API, and what our own pages may load and run."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

Handler = Callable[[HttpRequest], HttpResponse]
_SHARED = ("/api/", "/.well-known/")  # never the admin
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, Idempotency-Key, If-Match, "
    "If-None-Match, X-Request-Id",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "ETag, Idempotent-Replayed, Link, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
_OWN = "default-src 'none'; connect-src 'self'; font-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
_CLOSED = "base-uri 'none'; frame-ancestors 'none'"
POLICIES = {
    "/admin/": f"{_OWN}; script-src 'self' 'unsafe-eval'; form-action 'self'; {_CLOSED}",  # Unfold's Alpine evaluates
    "/api/v1/docs": f"{_OWN}; script-src 'self'; form-action 'none'; {_CLOSED}",
}
NOTHING = f"default-src 'none'; form-action 'none'; {_CLOSED}"


class OriginMiddleware:
    """CORS for the configured origins, without cookies: a page of theirs brings a token or reads what is open."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.CORS_ALLOWED_ORIGINS or not request.path.startswith(_SHARED):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        is_welcome = origin in settings.CORS_ALLOWED_ORIGINS
        if is_welcome and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = HttpResponse(status=204, headers=_PREFLIGHT)
        else:
            response = self.get_response(request)
        if is_welcome:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = _EXPOSED
        patch_vary_headers(response, ["Origin"])
        return response


class ContentPolicyMiddleware:
    """Content-Security-Policy: pages load from here alone, everything else loads nothing."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = next((policy for prefix, policy in POLICIES.items() if request.path.startswith(prefix)), NOTHING)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response
