"""The OpenAPI document as the tests read it: operations, and addresses filled in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

NO_ID = "00000000-0000-4000-8000-000000000001"
# Where nobody names another.
USUAL = {
    "key_id": NO_ID,
    "action_id": NO_ID,
    "run_id": NO_ID,
    "document_id": NO_ID,
    "recommendation_id": NO_ID,
    "webhook_id": NO_ID,
    "service": "openai",
    "name": "echo",
}
METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    detail: dict[str, Any]

    def __str__(self) -> str:
        return str(self.detail["operationId"])

    @property
    def places(self) -> list[str]:
        """The parameters of its path."""
        return re.findall(r"{(\w+)}", self.path)

    def address(self, **values: str) -> str:
        """The path with its parameters filled in; every one needs a value, but for the usual."""
        return self.path.format(**(USUAL | values))


@cache
def read_document() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(public=True))


def list_operations(prefix: str = "/") -> list[Operation]:
    return [operation for operation in _walk() if operation.path.startswith(prefix)]


def _walk() -> Iterator[Operation]:
    for path, item in read_document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(method.upper(), path, item[method])
