"""Instants of nodes, which count nanoseconds."""

import datetime as dt

NS_PER_S = 10**9


def format_instant(timestamp_ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond, without going through a float."""
    whole = dt.datetime.fromtimestamp(timestamp_ns // NS_PER_S, dt.UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{timestamp_ns % NS_PER_S // 1000:06d}Z"
