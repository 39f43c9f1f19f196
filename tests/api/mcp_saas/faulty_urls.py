"""The product's addresses and a few that fail in every way a view can."""

from collections.abc import Callable

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request

from mcp_saas import urls
from mcp_saas.api.auth import Open
from mcp_saas.api.view import ApiView

SECRET = "the-password-in-the-message"


def view_that_raises(error: Exception) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        raise error

    return view


class FaultView(ApiView):
    permission_classes = (Open,)
    authentication_classes = ()

    def get(self, request: Request) -> HttpResponse:
        raise RuntimeError(SECRET)


class UndeclaredView(ApiView):
    """Its author forgot to say who may call it."""

    def get(self, request: Request) -> HttpResponse:
        raise AssertionError("nobody gets here")


class SlowQueryView(ApiView):
    permission_classes = (Open,)
    authentication_classes = ()

    def get(self, request: Request) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)")
        raise AssertionError("the statement ended too late")


urlpatterns = [
    *urls.urlpatterns,
    path("fault/plain", view_that_raises(RuntimeError(SECRET))),
    path("fault/api", FaultView.as_view()),
    path("fault/undeclared", UndeclaredView.as_view()),
    path("fault/slow-query", SlowQueryView.as_view()),
    path("fault/404", view_that_raises(Http404(SECRET))),
    path("fault/403", view_that_raises(PermissionDenied(SECRET))),
    path("fault/400", view_that_raises(SuspiciousOperation(SECRET))),
    path("fault/413", view_that_raises(RequestDataTooBig(SECRET))),
]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
