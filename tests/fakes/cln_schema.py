"""Core Lightning's published schemas of its methods, with its own types spelled out, as strict as they can be read."""

import json
from functools import cache
from typing import Any

import jsonschema

from tests.reference_data import CLN_SCHEMAS

_HEX = "^[0-9a-fA-F]{%s}$"
_TYPES: dict[str, dict[str, Any]] = {
    "u8": {"type": "integer", "minimum": 0, "maximum": 2**8 - 1},
    "u16": {"type": "integer", "minimum": 0, "maximum": 2**16 - 1},
    "u32": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    "u64": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    "msat": {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
    "hash": {"type": "string", "pattern": _HEX % 64},
    "txid": {"type": "string", "pattern": _HEX % 64},
    "hex": {"type": "string", "pattern": "^([0-9a-fA-F]{2})*$"},
    "pubkey": {"type": "string", "pattern": "^0[23][0-9a-fA-F]{64}$"},
    "short_channel_id": {"type": "string", "pattern": "^[0-9]+x[0-9]+x[0-9]+$"},
}
_SILENT = {"description", "added", "deprecated", "dependentUpon", "default"}


def find_faults(document: object, method: str, part: str) -> list[str]:
    """Where `document` is not the method's `part` ("request" or "response"); empty: nowhere."""
    schema = _read_schema(method)[part]
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{fault.json_path}: {fault.message}"[:300] for fault in validator.iter_errors(document)]


@cache
def _read_schema(method: str) -> Any:
    return _translate(json.loads((CLN_SCHEMAS / f"{method}.json").read_text()))


def _translate(part: Any) -> Any:
    if isinstance(part, list):
        return [_translate(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    known = {name: _translate(value) for name, value in part.items() if name not in _SILENT}
    if isinstance(part.get("properties"), dict):
        known["properties"] = {name: _translate(value) for name, value in part["properties"].items()}
    kind = part.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return {**known, **_TYPES[kind]}
    return known
