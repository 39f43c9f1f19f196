"""The gateway's numbers in Prometheus' words. No label is a tenant: servers, outcomes and kinds are closed sets."""

import resource
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily as Count
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Histogram
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from bridge.engine.observed import Condition, GatewaySeen, ServerSeen
from bridge.gateway.living import Living
from bridge.gateway.metrics import BOUNDS_S, Tally

TEXT = CONTENT_TYPE_PLAIN_0_0_4.encode()


def write_metrics(app: Living) -> bytes:
    """`TEXT` is the media type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Reader(app))
    return generate_latest(registry)


class Reader(Collector):
    """Reads what lives."""

    def __init__(self, app: Living) -> None:
        self._app = app

    def describe(self) -> list[Metric]:
        return []  # nothing is read to find out the names

    def collect(self) -> Iterator[Metric]:
        app = self._app
        seen = app.see()
        yield from tell_calls(app.metrics.servers)
        yield tell("refusals", "Refused, by kind", label="kind", values=app.metrics.refusals)
        yield from tell_servers(seen)
        yield from tell_connections(seen)
        yield from tell_shared(app)
        yield from tell_process(app, seen)


def tell(name: str, words: str, *, label: str, values: dict[str, int]) -> Metric:
    """A counter with one label."""
    family = Count(f"dazbox_mcp_{name}", words, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def tell_calls(servers: dict[str, Tally]) -> Iterator[Metric]:
    calls = Count("dazbox_mcp_calls", "Calls of tools that ended", labels=["server", "outcome"])
    took = Histogram("dazbox_mcp_call_duration_seconds", "From the request to its answer", labels=["server"])
    for server, tally in sorted(servers.items()):
        by_outcome: dict[str, int] = {}
        for outcome, count in tally.outcomes.items():
            word = outcome.partition(":")[0]
            by_outcome[word] = by_outcome.get(word, 0) + count
        for word, count in sorted(by_outcome.items()):
            calls.add_metric([server, word], count)
        took.add_metric([server], list_buckets(tally), tally.seconds)
    yield calls
    yield took


def list_buckets(tally: Tally) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus wants them."""
    buckets, seen = [], 0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), tally.counts, strict=True):
        seen += count
        buckets.append((bound, float(seen)))
    return buckets


def tell_servers(seen: GatewaySeen) -> Iterator[Metric]:
    waiting = Gauge("dazbox_mcp_queue_waiting", "Calls that wait for their turn", labels=["server"])
    in_flight = Gauge("dazbox_mcp_in_flight", "Calls under way", labels=["server"])
    breaker = Gauge("dazbox_mcp_breaker_open", "1 while nobody is sent to the server", labels=["server"])
    apart = Gauge("dazbox_mcp_quarantined_tools", "Tools that are not what was approved", labels=["server"])
    condition = Gauge("dazbox_mcp_server_condition", "1 for the condition it is in", labels=["server", "condition"])
    for server in seen.servers:
        waiting.add_metric([server.name], server.queued)
        in_flight.add_metric([server.name], sum(one.in_flight for one in server.connections))
        breaker.add_metric([server.name], server.breaker == "open")
        apart.add_metric([server.name], len(server.quarantined))
        for each in Condition:
            condition.add_metric([server.name, each.value], server.condition == each)
    yield from (waiting, in_flight, breaker, apart, condition)


def tell_connections(seen: GatewaySeen) -> Iterator[Metric]:
    """Sums over a server's connections. Those that ended are not in them, so they are gauges."""
    count = Gauge("dazbox_mcp_connections", "Connections to the server", labels=["server"])
    restarts = Gauge("dazbox_mcp_connection_restarts", "Restarts of those that are there", labels=["server"])
    rss = Gauge("dazbox_mcp_child_resident_bytes", "Memory of its processes", labels=["server"])
    cpu = Gauge("dazbox_mcp_child_cpu_seconds", "CPU of its processes that live", labels=["server"])
    for server in seen.servers:
        count.add_metric([server.name], len(server.connections))
        restarts.add_metric([server.name], sum(one.restarts for one in server.connections))
        add_known(rss, server, values=[one.rss_bytes for one in server.connections])
        add_known(cpu, server, values=[one.cpu_s for one in server.connections])
    yield from (count, restarts, rss, cpu)


def add_known(family: Gauge, server: ServerSeen, *, values: list[int | None] | list[float | None]) -> None:
    """No line where nothing is known, as of servers elsewhere."""
    known = [value for value in values if value is not None]
    if known:
        family.add_metric([server.name], sum(known))


def tell_shared(app: Living) -> Iterator[Metric]:
    answers, audit = app.answers, app.audit
    reads = {"hit": answers.hits, "miss": answers.misses}
    yield tell("cache_reads", "Reads of kept answers", label="outcome", values=reads)
    yield Gauge("dazbox_mcp_cache_bytes", "Of kept answers", answers.bytes)
    yield Count("dazbox_mcp_shared_calls", "Calls answered by an identical one under way", app.flights.shared)
    yield Count("dazbox_mcp_invalid_arguments", "Calls whose arguments do not fit the tool", app.schemas.refused)
    yield Gauge("dazbox_mcp_audit_waiting", "Rows of the audit that are not written yet", audit.backlog)
    yield Count("dazbox_mcp_audit_rows", "Rows of the audit that were written", audit.written)
    yield Count("dazbox_mcp_audit_lost_rows", "Rows of the audit that are lost", audit.lost)


def tell_process(app: Living, seen: GatewaySeen) -> Iterator[Metric]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Gauge("dazbox_mcp_sessions", "Sessions of clients of 2025-11-25 and before", seen.sessions)
    yield Gauge("dazbox_mcp_streams", "Streams that are open", seen.streams)
    yield Gauge("dazbox_mcp_draining", "1 while it lets calls end and takes no new ones", seen.is_draining)
    yield Gauge("dazbox_mcp_start_time_seconds", "Since 1970", seen.since)
    yield Count("dazbox_mcp_cpu_seconds", "CPU of the gateway", used.ru_utime + used.ru_stime)
    yield Gauge("dazbox_mcp_peak_resident_bytes", "The most memory it had", used.ru_maxrss * 1024)
    if app.keys is not None and app.keys.read_at_s is not None:
        yield Gauge(
            "dazbox_mcp_keys_age_seconds", "Since the issuer's keys were read", time.monotonic() - app.keys.read_at_s
        )
