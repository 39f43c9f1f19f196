"""A hundred thousand searches of many tenants at once in the embedded store, while points come and go."""

import os
import tempfile
from pathlib import Path

from rag.sources.qdrant import scope
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.store import Store
from tests import engines
from tests.isolation.knowledge_traffic import KEPT, SHARED, run_traffic
from tests.knowledge_service import run_service
from tests.load.report import Report
from tests.points import make_model

TENANTS, QUERIES, THREADS = 200, 100_000, 8


def show(asked: int) -> None:
    print(f"  {asked:,} of {QUERIES:,} searches", flush=True)


def measure() -> Report:
    environment = dict(os.environ)  # noqa: TID251 - handed on to the service
    key = environment["QDRANT_API_KEY"]
    with (
        tempfile.TemporaryDirectory(prefix="dazbox-knowledge-") as folder,
        run_service(Path(folder), engines.LISTENER, environment=environment, api_key=key),
    ):
        border = open_border(environment["QDRANT_URL"], key)
        store = Store(border, prefix="bench", model=make_model())
        traffic = run_traffic(store, tenants=TENANTS, queries=QUERIES, threads=THREADS, show=show)
        border.close()
    figures = {
        "tenants": TENANTS,
        "points_a_tenant": KEPT,
        "shared_points": SHARED,
        "threads": THREADS,
        "queries": traffic.queries,
        "foreign_rows": traffic.foreign + scope.foreign_points.value,
        "answers_without_own_points": traffic.empty,
        "changes_meanwhile": traffic.changes,
        "queries_per_s": round(traffic.queries_a_second),
    }
    return Report(
        f"Knowledge: {QUERIES:,} searches of {TENANTS} tenants from {THREADS} threads, while points come and go",
        figures,
        [
            ("rows of another tenant", str(figures["foreign_rows"])),
            ("answers without points of one's own", str(traffic.empty)),
            ("writes and deletions meanwhile", f"{traffic.changes:,}"),
            ("queries a second, twenty a request", f"{traffic.queries_a_second:,.0f}"),
        ],
    )
