"""What the database must allow the role that logs in: asked for by the launcher and by `manage.py prepare` alike.

The login role reads and writes the public tables and no box's. The owner builds and drops the boxes' schemas with their
roles. `prepare` makes the owner and gives it its rights where the login role may; the rest is an administrator's.
"""

from dataclasses import dataclass

DEFAULT_OWNER = "dazbox_owner"
# One parameter: the name of the owner. The columns are the fields of RoleFacts.
FACTS_QUERY = """
SELECT u.rolname, u.rolsuper, u.rolcreaterole, current_database(), o.oid IS NOT NULL, coalesce(o.rolcreaterole, false),
       coalesce(pg_has_role(u.oid, o.oid, 'SET'), false),
       coalesce(pg_has_role(u.oid, o.oid, 'MEMBER WITH ADMIN OPTION'), false),
       coalesce(pg_has_role(u.oid, o.oid, 'USAGE'), false),
       coalesce(has_database_privilege(o.oid, current_database(), 'CREATE'), false),
       has_database_privilege(u.oid, current_database(), 'CREATE WITH GRANT OPTION'),
       has_schema_privilege('public', 'CREATE'), has_database_privilege('public', current_database(), 'TEMP')
FROM pg_roles u LEFT JOIN pg_roles o ON o.rolname = %s WHERE u.rolname = session_user
"""


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What the server says of the login role and of the owner."""

    login: str
    is_superuser: bool
    login_makes_roles: bool
    database: str
    is_owner_there: bool
    owner_makes_roles: bool
    login_may_become_owner: bool
    login_grants_owner: bool
    login_inherits_owner: bool
    owner_makes_schemas: bool
    login_grants_schemas: bool
    login_makes_public_tables: bool
    anybody_makes_temporary_tables: bool


def find_missing_rights(facts: RoleFacts, owner: str) -> list[str]:
    """What is missing and `prepare` cannot give, each with the SQL that gives it. A superuser lacks nothing."""
    if facts.is_superuser:
        return []
    login, database = facts.login, facts.database
    wanted = _want_of_owner(facts, owner) if facts.is_owner_there else _want_for_new_owner(facts, owner)
    wanted[f"{login} needs CREATE on the schema public of {database}: GRANT CREATE ON SCHEMA public TO {login}"] = (
        facts.login_makes_public_tables
    )
    return [text for text, is_so in wanted.items() if not is_so]


def _want_for_new_owner(facts: RoleFacts, owner: str) -> dict[str, bool]:
    login, database = facts.login, facts.database
    return {
        f"{login} needs CREATEROLE, or somebody else must make the role {owner}: ALTER ROLE {login} CREATEROLE": (
            facts.login_makes_roles
        ),
        f"{login} must be able to let {owner} make schemas: "
        f"GRANT CREATE ON DATABASE {database} TO {login} WITH GRANT OPTION": facts.login_grants_schemas,
    }


def _want_of_owner(facts: RoleFacts, owner: str) -> dict[str, bool]:
    login, database = facts.login, facts.database
    return {
        f"{owner} needs CREATEROLE: ALTER ROLE {owner} CREATEROLE": facts.owner_makes_roles,
        f"{login} must be allowed to become {owner}: GRANT {owner} TO {login} WITH INHERIT FALSE, SET TRUE": (
            facts.login_may_become_owner or facts.login_grants_owner
        ),
        f"{login} inherits the rights of {owner}, so it reads every box: GRANT {owner} TO {login} WITH INHERIT FALSE": (
            not facts.login_inherits_owner
        ),
        f"{owner} needs CREATE on the database: GRANT CREATE ON DATABASE {database} TO {owner}": (
            facts.owner_makes_schemas or facts.login_grants_schemas
        ),
    }
