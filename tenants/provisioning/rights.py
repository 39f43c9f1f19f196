"""The database roles: who logs in, and the owner of the boxes' schemas.

The login role reads and writes the public tables and no box's. The owner (DATABASE_OWNER) builds and drops schemas
with their roles. A message changes over to the owner or to one box's role; nothing is inherited on the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name for it
from django.db import DatabaseError, connection, transaction
from psycopg import sql

_FACTS = """
SELECT u.rolname, u.rolsuper, current_database(), o.oid IS NOT NULL, coalesce(o.rolcreaterole, false),
       coalesce(pg_has_role(u.oid, o.oid, 'SET'), false), coalesce(pg_has_role(u.oid, o.oid, 'USAGE'), false),
       coalesce(has_database_privilege(o.oid, current_database(), 'CREATE'), false),
       has_schema_privilege('public', 'CREATE')
FROM pg_roles u LEFT JOIN pg_roles o ON o.rolname = %s WHERE u.rolname = session_user
"""
HINT = "docs/embedded.md has the SQL of an ordinary server."


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What the server says of our login role and of the owner, in the order of `_FACTS`."""

    login: str
    is_superuser: bool
    database: str
    is_owner_there: bool
    owner_makes_roles: bool
    login_may_become_owner: bool
    login_inherits_owner: bool
    owner_makes_schemas: bool
    login_makes_public_tables: bool


def prepare_owner() -> None:
    """Makes the owner and lets the login role become it, where that is not so yet. What fails is found by the check."""
    facts = read_facts()
    owner, database = sql.Identifier(settings.ENV.database_owner), sql.Identifier(facts.database)
    if not facts.is_owner_there:
        _try(sql.SQL("CREATE ROLE {} NOLOGIN CREATEROLE").format(owner))
    if not facts.login_may_become_owner:
        _try(sql.SQL("GRANT {} TO SESSION_USER WITH INHERIT FALSE, SET TRUE").format(owner))
    if not facts.owner_makes_schemas:
        _try(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, owner))


def read_facts() -> RoleFacts:
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [settings.ENV.database_owner])
        return RoleFacts(*cursor.fetchone())


@register(Tags.database)
def check_rights(databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    """`manage.py check --database default`, and part of `prepare`: one line for each right that is missing."""
    return _find_faults(read_facts(), settings.ENV.database_owner) if databases else []


def _find_faults(facts: RoleFacts, owner: str) -> list[CheckMessage]:
    login = facts.login
    if facts.is_superuser:
        text = f"{login} is a superuser, for whom the boxes' roles are no bounds: use an ordinary role in service."
        return [Warning(text, hint=HINT, id="tenants.W001")]
    wanted = {
        f"{login} needs CREATEROLE, or somebody else must make the role {owner}": facts.is_owner_there,
        f"{owner} needs CREATEROLE": facts.owner_makes_roles,
        f"{login} must be allowed to become {owner}: GRANT {owner} TO {login} WITH INHERIT FALSE, SET TRUE": (
            facts.login_may_become_owner
        ),
        f"{login} inherits the rights of {owner}, so it reads every box: GRANT {owner} TO {login} WITH INHERIT FALSE": (
            not facts.login_inherits_owner
        ),
        f"{owner} needs CREATE on the database: GRANT CREATE ON DATABASE {facts.database} TO {owner}": (
            facts.owner_makes_schemas
        ),
        f"{login} needs CREATE on the schema public: GRANT CREATE ON SCHEMA public TO {login}": (
            facts.login_makes_public_tables
        ),
    }
    return [Error(f"{text}.", hint=HINT, id="tenants.E001") for text, is_so in wanted.items() if not is_so]


def _try(statement: sql.Composed) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return
