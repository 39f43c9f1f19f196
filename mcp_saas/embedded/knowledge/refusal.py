"""Why a request is not served, in Qdrant's words and with its status."""

import re

BAD_REQUEST, UNAUTHORIZED, NOT_FOUND, CONFLICT, TOO_LARGE, UNPROCESSABLE, FAILED = 400, 401, 404, 409, 413, 422, 500
# What the engine says when the request is at fault, and not the engine.
_REQUEST_AT_FAULT = re.compile(
    r"^(Vector dimension error|Not existing vector name|Wrong usage of multi vectors|Validation (error|failed)"
    r"|Bad request|Wrong input|Conversion between|failed to parse|failed to extract|Expected)"
)


class RefusalError(Exception):
    """`words` go to the client as they are."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def wrong_input(words: str) -> RefusalError:
    return RefusalError(BAD_REQUEST, f"Wrong input: {words}")


def not_found(words: str) -> RefusalError:
    return RefusalError(NOT_FOUND, f"Not found: {words}")


def strict_mode(problem: str, help_text: str) -> RefusalError:
    return RefusalError(BAD_REQUEST, f"Bad request: {problem}. Help: {help_text}".replace("!.", "!"))


def read_engine_error(error: BaseException) -> RefusalError:
    """The engine raises plain exceptions, and its panics are no `Exception` at all: only the words tell them apart."""
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, TypeError | ValueError | OverflowError) or _REQUEST_AT_FAULT.match(words):
        return wrong_input(words)
    return RefusalError(FAILED, f"Service internal error: {words}")
