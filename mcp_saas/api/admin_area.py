"""What only people in the admin need: sessions, their users, forms and messages. A call of the API passes them by.

The API knows no cookie: who calls is what the bearer token says.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

ADMIN = "/admin/"


class InAdmin:
    """Below /admin/ the middleware it is put before, elsewhere none."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        inside: HttpResponseBase = (
            super().__call__(request)  # type: ignore[misc]
            if request.path_info.startswith(ADMIN)
            else self.get_response(request)
        )
        return inside


class AdminSessionMiddleware(InAdmin, SessionMiddleware):
    pass


class AdminCsrfViewMiddleware(InAdmin, CsrfViewMiddleware):
    """A view outside the admin that is not exempt is judged all the same: without a token its POST is refused."""


class AdminAuthenticationMiddleware(InAdmin, AuthenticationMiddleware):
    pass


class AdminMessageMiddleware(InAdmin, MessageMiddleware):
    pass
