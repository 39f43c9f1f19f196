"""A call the gateway does not make: one error for all reasons, told in JSON-RPC or as a problem by whoever answers."""

# Ours lie outside -32768..-32000, as the protocol wants them (2026-07-28, "error codes").
CODES = {
    "unauthorized": 1001,
    "forbidden": 1003,
    "too-many": 1029,
    "queue-full": 1030,
    "upstream-away": 1050,
    "upstream-timeout": 1051,
    "answer-too-large": 1052,
    "quarantined": 1060,
}
INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32600, -32601, -32602, -32603


class Refusal(Exception):  # noqa: N818 - the caller's error, not ours
    """`status` of HTTP, `code` of JSON-RPC, `kind` as in the docs of problems, words that say what to do.

    `data`: more for the JSON-RPC error (bytes of JSON); `headers`: WWW-Authenticate, Retry-After ...
    """

    def __init__(  # noqa: PLR0913 - all of them are told
        self,
        kind: str,
        message: str,
        *,
        status: int,
        code: int,
        retry_after_s: float | None = None,
        data: bytes | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.status, self.code = kind, message, status, code
        self.retry_after_s, self.data, self.headers = retry_after_s, data, headers
