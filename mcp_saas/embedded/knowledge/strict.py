"""Strict mode: what a collection forbids its users, checked and worded as Qdrant does.

Enforced here: `max_query_limit`, `unindexed_filtering_*`, `search_allow_exact` (with m = 0 it asks for a filter on the
tenant), `search_max_batchsize`, `upsert_max_batchsize`, `filter_max_conditions`. The other limits protect a node that
many share; on a machine of one's own they are taken and left alone.
"""

from mcp_saas.embedded.knowledge.collection import Collection
from mcp_saas.embedded.knowledge.contract import Filter, Prefetch, Query
from mcp_saas.embedded.knowledge.filters import asked_field, walk
from mcp_saas.embedded.knowledge.queries import limit_of, prefetches_of, vector_of
from mcp_saas.embedded.knowledge.refusal import strict_mode


def check_batch(collection: Collection, queries: list[Query]) -> None:
    """Raises RefusalError."""
    check_limit(len(queries), collection.shape.strict.search_max_batchsize, name="search batch size")
    for query in queries:
        check_query(collection, query)


def check_query(collection: Collection, query: Prefetch) -> None:
    """The query and all that it prefetches. Raises RefusalError."""
    prefetches = prefetches_of(query)
    for prefetch in prefetches:
        check_query(collection, prefetch)
    is_scan = not prefetches or not isinstance(query, Query)
    if is_scan and query.query is not None and vector_of(query.query) is not None:
        check_scan(collection, query)
    strict = collection.shape.strict
    check_limit(limit_of(query), strict.max_query_limit, name="limit")
    check_filter(collection, query.filter, is_allowed=strict.unindexed_filtering_retrieve)
    if strict.search_allow_exact is False and query.params and query.params.exact:
        raise strict_mode("Exact search disabled!", "Set exact=false.")


def check_read(collection: Collection, found: Filter | None, *, limit: int | None = None) -> None:
    """A scroll or a count. Raises RefusalError."""
    strict = collection.shape.strict
    if limit is not None:
        check_limit(limit, strict.max_query_limit, name="limit")
    check_filter(collection, found, is_allowed=strict.unindexed_filtering_retrieve)


def check_write(collection: Collection, found: Filter | None) -> None:
    """A change of the points of a filter. Raises RefusalError."""
    check_filter(collection, found, is_allowed=collection.shape.strict.unindexed_filtering_update)


def check_upsert(collection: Collection, count: int) -> None:
    check_limit(count, collection.shape.strict.upsert_max_batchsize, name="upsert limit")


def check_scan(collection: Collection, query: Prefetch) -> None:
    """Without a graph over all points (m = 0), only a filter on the tenant keeps a search from reading everything."""
    params = collection.shape.dense.get(query.using or "")
    if collection.shape.strict.search_allow_exact is not False or params is None:
        return
    grounds = (params.hnsw_config, collection.shape.hnsw_config)
    m = next((hnsw.m for hnsw in grounds if hnsw and hnsw.m is not None), 16)
    payload_m = next((hnsw.payload_m for hnsw in grounds if hnsw and hnsw.payload_m is not None), m)
    if m > 0:
        return
    if not any(is_on_tenant(collection, asked_field(condition)) for condition in walk(query.filter)):
        raise strict_mode(
            f"Request is forbidden on '{query.using}' because global vector indexing is disabled (hnsw_config.m = 0)",
            "Use tenant-specific filter, enable global vector indexing or enable strict mode "
            "`search_allow_exact` option",
        )
    if payload_m == 0:
        raise strict_mode(
            f"Request is forbidden on '{query.using}' because vector indexing is disabled "
            "(hnsw_config.m = 0 and hnsw_config.payload_m = 0)",
            "Enable vector indexing, use a prefetch query with indexed vectors or enable strict mode "
            "`search_allow_exact` option",
        )


def check_filter(collection: Collection, found: Filter | None, *, is_allowed: bool | None) -> None:
    """Raises RefusalError for a field without an index, and for too many conditions."""
    conditions = list(walk(found))
    for condition in conditions if is_allowed is False else ():
        field = asked_field(condition)
        if field is not None and field not in collection.indexes:
            raise strict_mode(
                f'Index required but not found for "{field}" of one of the following types: [keyword]',
                "Create an index for this key or use a different filter.",
            )
    most = collection.shape.strict.filter_max_conditions
    if most is not None and len(conditions) > most:
        raise strict_mode(
            f"Filter condition limit reached ({len(conditions)} > {most})",
            "Reduce the amount of conditions of your filter.",
        )


def check_limit(value: int, limit: int | None, *, name: str) -> None:
    if limit is not None and value > limit:
        raise strict_mode(
            f'Limit exceeded {value} > {limit} for "{name}"', f'Reduce the "{name}" parameter to or below {limit}.'
        )


def is_on_tenant(collection: Collection, field: str | None) -> bool:
    return field is not None and bool(collection.indexes.get(field, {}).get("params", {}).get("is_tenant"))
