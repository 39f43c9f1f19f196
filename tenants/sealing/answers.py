"""Answers kept for the tenant we are in, sealed with its own key: in Redis and on the disk of Redis they are noise."""

from collections.abc import Callable

from django.conf import settings

from mcp_saas.kit.cache import Brief, Cached, Taken, digest_arguments, find_cache
from mcp_saas.kit.crypto import SealError
from mcp_saas.kit.gcra import Toll
from tenants.context import current_tenant
from tenants.sealing.tenant import current_keys


def find_or_make_answer(
    kind: str,
    arguments: object,
    *,
    make: Callable[[], bytes],
    ttl_s: float | None = None,
    stale_s: float = 0,
    use_cache: bool = True,
) -> Cached:
    """As `mcp_saas.kit.cache` says. What was sealed with a key that is destroyed since is made again."""
    keys, row = current_keys(), digest_arguments(arguments)

    def make_sealed() -> bytes:
        made = make()
        sealed = keys.seal(made, table="cache", column=kind, row=row)
        return Brief(sealed) if isinstance(made, Brief) else sealed

    def ask(*, is_read: bool) -> Cached:
        return find_cache(settings.ENV.redis_url).get_or_make(
            kind,
            current_tenant().id,
            arguments=arguments,
            make=make_sealed,
            ttl_s=ttl_s,
            stale_s=stale_s,
            use_cache=is_read,
        )

    found = ask(is_read=use_cache)
    try:
        return found._replace(value=keys.open(found.value, table="cache", column=kind, row=row))
    except SealError:
        made = ask(is_read=False)
        return made._replace(value=keys.open(made.value, table="cache", column=kind, row=row))


def peek_answer(kind: str, arguments: object) -> Cached | None:
    """What is kept, fresh or stale, and can be opened; nothing is made."""
    found = find_cache(settings.ENV.redis_url).peek(kind, current_tenant().id, arguments=arguments)
    if found is None:
        return None
    try:
        opened = current_keys().open(found.value, table="cache", column=kind, row=digest_arguments(arguments))
    except SealError:
        return None
    return found._replace(value=opened)


def take_answer(kind: str, arguments: object, *, toll: Toll, rendering: str = "") -> Taken | None:
    """What `find_or_make_answer` would find fresh, or a rendering of it, as `Cache.take` says. Raises SealError where
    it cannot be opened.
    """
    cache, row = find_cache(settings.ENV.redis_url), digest_arguments(arguments)
    taken = cache.take(kind, current_tenant().id, arguments=arguments, toll=toll, rendering=rendering)
    if taken is None:
        return None
    place = _name_rendering(row, rendering) if taken.is_rendering else row
    opened = current_keys().open(taken.cached.value, table="cache", column=kind, row=place)
    return taken._replace(cached=taken.cached._replace(value=opened))


def keep_rendering(kind: str, arguments: object, *, taken: Taken, rendering: str, content: bytes) -> None:
    """`content` is what readers of this rendering get of the value that was taken, as long as that is kept."""
    place = _name_rendering(digest_arguments(arguments), rendering)
    sealed = current_keys().seal(content, table="cache", column=kind, row=place)
    find_cache(settings.ENV.redis_url).keep_rendering(
        kind, current_tenant().id, arguments=arguments, maker=taken.maker, rendering=rendering, content=sealed
    )


def _name_rendering(row: str, rendering: str) -> str:
    return f"{row} as {rendering}"
