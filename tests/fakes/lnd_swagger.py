"""LND's published swagger file as JSON schemas that are as strict as LND's own answers are regular."""

import json
from typing import Any

import jsonschema

from tests.reference_data import LND_SWAGGER

_INTEGER_TEXT = {"int64": r"^-?[0-9]+$", "uint64": r"^[0-9]+$"}
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


class LndSwagger:
    """64-bit numbers must be strings, 32-bit ones numbers, bytes base64, and no field may be missing or unknown."""

    def __init__(self) -> None:
        definitions = json.loads(LND_SWAGGER.read_text())["definitions"]
        self._messages = {name for name, definition in definitions.items() if definition["type"] == "object"}
        self._schemas = {name: self._tighten(definition) for name, definition in definitions.items()}

    def find_faults(self, answer: object, definition: str) -> list[str]:
        """Where the answer is not as the definition says; empty: nowhere."""
        schema = {"$ref": f"#/definitions/{definition}", "definitions": self._schemas}
        return [fault.message for fault in jsonschema.Draft202012Validator(schema).iter_errors(answer)]

    def _tighten(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in part:
            reference = {"$ref": part["$ref"]}
            is_message = part["$ref"].removeprefix("#/definitions/") in self._messages
            return {"anyOf": [{"type": "null"}, reference]} if is_message and "type" not in part else reference
        if "type" not in part:
            return {}  # protobuf's Any
        if part["type"] == "array":
            return {"type": "array", "items": self._tighten(part["items"])}
        if part["type"] == "object":
            return self._tighten_object(part)
        if part["type"] == "string" and part.get("format") in _INTEGER_TEXT:
            return {"type": "string", "pattern": _INTEGER_TEXT[part["format"]]}
        if part["type"] == "string" and part.get("format") == "byte":
            return {"type": "string", "pattern": _BASE64}
        return {name: part[name] for name in ("type", "enum") if name in part}

    def _tighten_object(self, part: dict[str, Any]) -> dict[str, Any]:
        properties = {name: self._tighten(inner) for name, inner in part.get("properties", {}).items()}
        extra = part.get("additionalProperties")
        return {
            "type": "object",
            "properties": properties,
            "required": sorted(properties),
            "additionalProperties": self._tighten(extra) if isinstance(extra, dict) else False,
        }
