"""An empty database, prepared as a deployment does it, dropped afterwards."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from django.core.management import call_command
from django.db import connection

from tests.committed import new_database

_numbers = count()


@contextmanager
def empty_database() -> Iterator[None]:
    home, name = connection.settings_dict["NAME"], f"bench_{os.getpid()}_{next(_numbers)}"
    connection.close()
    with new_database(name):
        connection.settings_dict["NAME"] = name
        try:
            call_command("prepare", verbosity=0, stdout=io.StringIO())
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = home
