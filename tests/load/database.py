"""An empty database, prepared as a deployment does it, dropped afterwards."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql


@contextmanager
def empty_database() -> Iterator[None]:
    home = connection.settings_dict["NAME"]
    name = sql.Identifier(f"bench_{os.getpid()}")
    params = connection.get_connection_params() | {"cursor_factory": psycopg.ClientCursor}
    connection.close()
    with psycopg.connect(**params, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            connection.settings_dict["NAME"] = f"bench_{os.getpid()}"
            call_command("prepare", verbosity=0, stdout=io.StringIO())
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = home
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
