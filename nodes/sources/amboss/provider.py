"""Amboss (api.amboss.space, GraphQL): a bearer key; refusals come as `errors` under HTTP 200, beside what there is."""

from collections.abc import Mapping
from typing import Final

from nodes.sources.driver.errors import Fault
from nodes.sources.driver.text import clean_text
from nodes.sources.provider.protocol import ProviderError, ProviderName
from nodes.sources.provider.reading import Reading

MAX_ERRORS: Final = 20  # are noted
FORBIDDEN: Final = {"UNAUTHENTICATED", "FORBIDDEN"}
PASSING: Final = {"INTERNAL_SERVER_ERROR", "RATE_LIMITED", "TOO_MANY_REQUESTS", "TIMEOUT"}


class Amboss:
    name: ProviderName = "amboss"
    title = "Amboss"
    address: str | None = "https://api.amboss.space"
    is_lax = True

    def show_key(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    def find_fault(self, status: int) -> Fault | None:
        return None

    def unwrap(self, body: object, reading: Reading) -> object:
        """`data`, where any of it is there: an error then costs the field it names. Else the error counts."""
        fields = body if isinstance(body, dict) else {}
        data, errors = fields.get("data"), fields.get("errors")
        has_data = isinstance(data, dict) and any(value is not None for value in data.values())
        if not errors:
            return data
        if not has_data:
            raise ProviderError("Amboss refused the question", fault=_find_fault(errors))
        for error in errors[:MAX_ERRORS] if isinstance(errors, list) else []:
            path = error.get("path") if isinstance(error, dict) else None
            reading.miss(clean_text(".".join(map(str, path))) if isinstance(path, list) else "errors")
        return data


def _find_fault(errors: object) -> Fault:
    """By the codes of GraphQL servers (`errors[].extensions.code`)."""
    first = errors[0] if isinstance(errors, list) and errors else None
    extensions = first.get("extensions") if isinstance(first, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    if code in FORBIDDEN:
        return Fault.FORBIDDEN
    return Fault.UNAVAILABLE if code in PASSING else Fault.REFUSED


PROVIDER: Final = Amboss()
