"""The section `webhooks` of the OpenAPI document: what a receiver is sent."""

from typing import Any

import msgspec

from nodes.engine.webhook.event import EVENT_TYPES, SHAPES, SUMMARIES, VERSION, EventType

_HEADERS = {
    "webhook-id": "the same for every attempt: a receiver that knows it already has had this event",
    "webhook-timestamp": "when this attempt was signed, seconds since 1970",
    "webhook-signature": "`v1,` and an HMAC-SHA-256 in base64; two, parted by a blank, while a secret is replaced",
}


def add_webhooks(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """drf-spectacular's hook: an entry for each event, its facts among the components."""
    shapes = list(dict.fromkeys(SHAPES.values()))
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    result["components"]["schemas"] |= schemas
    result["webhooks"] = {event: {"post": describe_event(event)} for event in EVENT_TYPES}
    return result


def describe_event(event: EventType) -> dict[str, Any]:
    return {
        "operationId": f"receive_{event.replace('.', '_')}",
        "summary": SUMMARIES[event],
        "description": SHAPES[event].__doc__,
        "tags": ["webhooks"],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
            for name, words in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": describe_body(event)}}},
        "responses": {
            "2XX": {"description": "taken; the body is not looked at"},
            "410": {"description": "gone: the endpoint is switched off"},
            "default": {"description": "not taken: sent again by the plan"},
        },
    }


def describe_body(event: EventType) -> dict[str, Any]:
    fields = {
        "type": {"const": event},
        "version": {"const": VERSION},
        "timestamp": {"type": "string", "format": "date-time", "description": "when it happened"},
        "device_id": {"type": "string", "format": "uuid"},
        "pubkey": {"type": "string", "description": "of the node"},
        "data": {"$ref": f"#/components/schemas/{SHAPES[event].__name__}"},
    }
    return {"type": "object", "properties": fields, "required": list(fields)}
