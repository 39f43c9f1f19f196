"""simplejwt's own rotation, as its documentation sets it up, under parallel refreshes: `URL ROUNDS CLIENTS`.

It runs in a process and on a database of its own: the blacklist is an app, and none of ours. Prints a JSON list: how
many different successors of one refresh token were handed out, round by round.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.conf import settings


def main(url: str, *, rounds: int, clients: int) -> None:
    settings.configure(
        SECRET_KEY="x" * 50,
        DATABASES={"default": read_database(url)},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "rest_framework_simplejwt.token_blacklist",
        ],
        SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps([count_successors(clients) for _ in range(rounds)]))


def read_database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": dict(parse_qsl(parts.query)).get("host") or parts.hostname or "",
        "PORT": parts.port or "",
    }


def count_successors(clients: int) -> int:
    from django.contrib.auth.models import User
    from rest_framework_simplejwt.tokens import RefreshToken

    user, _ = User.objects.get_or_create(username="box")
    token, start = str(RefreshToken.for_user(user)), Barrier(clients, timeout=60)
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: refresh(token, start), range(clients)))
    return len({successor for successor in answers if successor})


def refresh(token: str, start: Barrier) -> str | None:
    from django.db import connection
    from rest_framework.test import APIRequestFactory
    from rest_framework_simplejwt.views import TokenRefreshView

    request = APIRequestFactory().post("/", {"refresh": token}, format="json")
    connection.ensure_connection()
    start.wait()
    try:
        answer = TokenRefreshView.as_view()(request)
        return str(answer.data["refresh"]) if answer.status_code == 200 else None
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1], rounds=int(sys.argv[2]), clients=int(sys.argv[3]))
