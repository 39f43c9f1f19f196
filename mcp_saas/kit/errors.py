"""One error for everything a caller did wrong or must wait for: RFC 9457 problem details as a value."""

from msgspec import UNSET, Struct, UnsetType

DOCS = "https://dazbox.cloud/docs/problems"


class FieldError(Struct, frozen=True):
    """One fault of the body: a JSON pointer (RFC 6901), a stable code, words."""

    pointer: str
    code: str
    detail: str


class ProblemDetails(Struct, frozen=True, kw_only=True):
    """The body of every answer that is not 2xx (`application/problem+json`)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] | UnsetType = UNSET
    error: str | UnsetType = UNSET  # of RFC 6749 and 8628, where a standard client looks for it


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Raise it anywhere below a view; it becomes a problem+json answer.

    `code` names the page in the docs (`.../problems/<code>`) and is stable; `title` is the same for every occurrence.
    """

    def __init__(
        self, status: int, code: str, title: str, *, detail: str = "", errors: list[FieldError] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail or title
        self.errors = errors or []
        self.error: str | None = None
        self.headers: dict[str, str] = {}

    def describe(self, *, instance: str) -> ProblemDetails:
        return ProblemDetails(
            type=f"{DOCS}/{self.code}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors or UNSET,
            error=self.error or UNSET,
        )


def refuse_field(pointer: str, detail: str, *, code: str = "invalid") -> Problem:
    """A field of the body that is not as the contract says."""
    return Problem(
        400,
        "invalid-body",
        "The body is not valid",
        detail=f"{pointer or 'body'}: {detail}",
        errors=[FieldError(pointer, code, detail)],
    )


def refuse_value(pointer: str, detail: str, *, status: int, code: str, title: str) -> Problem:
    """A field that is well-formed and cannot be taken as things stand: a problem of its own meaning, 409 or 422."""
    return Problem(status, code, title, detail=f"{pointer}: {detail}", errors=[FieldError(pointer, code, detail)])


def not_found(detail: str = "There is nothing here for you at this address.") -> Problem:
    return Problem(404, "not-found", "Not found", detail=detail)
