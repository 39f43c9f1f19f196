"""Error reports without the secrets of a Lightning node in them."""

from typing import Any

import sentry_sdk

from mcp_saas.kit.request_id import NAME, current_request_id
from mcp_saas.kit.scrub import scrub_text, scrub_value

# What Sentry itself needs of an event, and makes by itself.
_OWN_FIELDS = (
    "event_id",
    "timestamp",
    "start_timestamp",
    "level",
    "platform",
    "sdk",
    "type",
    "release",
    "contexts.trace",
)
_TRACE = ("trace_id", "span_id", "parent_span_id", "dynamic_sampling_context")


def start_sentry(dsn: str, *, profile: str) -> None:
    sentry_sdk.init(dsn=dsn, **choose_options(profile))


def choose_options(profile: str) -> dict[str, Any]:
    """Of sentry_sdk.init. Nothing is sent that need not be: no bodies, no local variables, no addresses of people.

    Whatever a later option or library adds all the same passes `scrub_event` last.
    """
    return {
        "environment": profile,
        "data_collection": {
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_headers": {"request": {"mode": "allowlist", "terms": ["accept", "content-type", "x-request-id"]}},
            "http_bodies": [],
            "url_query_params": {"mode": "off"},
            "graphql": {"document": False, "variables": False},
            "gen_ai": {"inputs": False, "outputs": False},
            "database_query_data": False,
            "queues": False,
            "stack_frame_variables": False,
        },
        "max_request_body_size": "never",
        "before_send": scrub_event,
        "before_send_transaction": scrub_event,
        "before_breadcrumb": scrub_breadcrumb,
        "before_send_log": scrub_log,
    }


def scrub_event(event: Any, _hint: Any) -> Any:
    """The whole of it: messages, exceptions, local variables, breadcrumbs, addresses, tags."""
    kept = {name: event[name] for name in _OWN_FIELDS if name in event}
    trace = {name: value for name, value in event.get("contexts", {}).get("trace", {}).items() if name in _TRACE}
    scrubbed = scrub_value({name: value for name, value in event.items() if name not in kept}) | kept
    if trace:
        scrubbed["contexts"]["trace"] |= trace
    if request_id := current_request_id():
        scrubbed.setdefault("tags", {})[NAME] = request_id
    return scrubbed


def scrub_breadcrumb(breadcrumb: Any, _hint: Any) -> Any:
    return scrub_value(breadcrumb)


def scrub_log(log: Any, _hint: Any) -> Any:
    """A log line that Sentry would keep: none is sent unless it is switched on."""
    return {**log, "body": scrub_text(str(log.get("body", ""))), "attributes": scrub_value(log.get("attributes", {}))}
