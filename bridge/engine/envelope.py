"""JSON-RPC 2.0 as bytes: what stands around params and results is read, they themselves go through as they came.

Strings inside are checked for UTF-8 and JSON's form, numbers and nesting for their form; no value is built.
"""

import re
from typing import NoReturn

import msgspec
from msgspec import Raw, Struct

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
NO_PARAMS = b"{}"
MAX_DEPTH = 64
_STRING = re.compile(rb'"[^"]*+"?')
_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_KIND = bytes.maketrans(b"[]", b"{}")


class MalformedError(Exception):
    """`code` of JSON-RPC; the message is fit for the one who sent it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Envelope(Struct, frozen=True, gc=False):
    """One message. What it does not have is empty: `id` of a notification, `result` of an error ..."""

    id: Raw = Raw()  # a number, a string or null, as it was written
    method: str = ""
    params: Raw = Raw()
    result: Raw = Raw()
    error: Raw = Raw()

    @property
    def is_request(self) -> bool:
        return bool(self.method and self.id)

    @property
    def is_notification(self) -> bool:
        return bool(self.method and not self.id)


class Fault(Struct, frozen=True, gc=False):
    """The value of `error`."""

    code: int = INTERNAL_ERROR
    message: str = ""
    data: Raw = Raw()


_decode = msgspec.json.Decoder(Envelope).decode
_decode_array = msgspec.json.Decoder(list[Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_fault = msgspec.json.Decoder(Fault).decode
_encode = msgspec.json.encode


def read_message(body: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Envelope:
    """Raises MalformedError: no JSON, no UTF-8, no object, too long or too deep."""
    _check(body, max_bytes=max_bytes, max_depth=max_depth)
    return _read(body)


def is_batch(body: bytes) -> bool:
    return body[:1] == b"[" or body.lstrip()[:1] == b"["


def read_batch(
    body: bytes, *, max_bytes: int, max_items: int, max_depth: int = MAX_DEPTH
) -> list[Envelope | MalformedError]:
    """Each item of an array by itself, so that a bad one spoils none of the others. An array may not be empty."""
    _check(body, max_bytes=max_bytes, max_depth=max_depth)
    try:
        items = _decode_array(body)
    except (msgspec.DecodeError, RecursionError) as error:
        _refuse(error)
    if not items:
        raise MalformedError(INVALID_REQUEST, "the array holds no call")
    if len(items) > max_items:
        raise MalformedError(INVALID_REQUEST, f"the array holds {len(items)} calls, at most {max_items} are taken")
    return [_read_item(bytes(item)) for item in items]


def _read_item(item: bytes) -> Envelope | MalformedError:
    try:
        return _read(item)
    except MalformedError as error:
        return error


def _read(body: bytes) -> Envelope:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, msgspec.ValidationError):
        raise MalformedError(INVALID_REQUEST, f"this is no JSON-RPC message: {error}") from error
    if isinstance(error, RecursionError):
        raise MalformedError(INVALID_REQUEST, "the message is nested too deep") from error
    raise MalformedError(PARSE_ERROR, f"this is no JSON: {error}") from error


def _check(body: bytes, *, max_bytes: int, max_depth: int) -> None:
    if len(body) > max_bytes:
        raise MalformedError(INVALID_REQUEST, f"the message is longer than {max_bytes} bytes")
    if not body.isascii() and not is_text(body):
        raise MalformedError(PARSE_ERROR, "the body is not UTF-8")
    if body.count(b"{") + body.count(b"[") > max_depth and is_deeper(body, max_depth):
        raise MalformedError(INVALID_REQUEST, f"the message is nested deeper than {max_depth}")


def is_text(body: bytes) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_deeper(body: bytes, depth: int) -> bool:
    """Whether well-formed JSON is nested deeper. What holds no more brackets than that is told at once; otherwise they
    are counted outside of strings, a level at a time: pairs are taken away from within.
    """
    if body.count(b"{") + body.count(b"[") <= depth:
        return False
    brackets = _keep_brackets(body)
    for _ in range(depth):
        inner = brackets.replace(b"{}", b"")
        if not inner or len(inner) == len(brackets):
            return False  # nothing is left, or what is left is no pair: the decoder tells what is wrong with it
        brackets = inner
    return bool(brackets)


def _keep_brackets(body: bytes) -> bytes:
    """All of one kind, without the strings. Two quotation marks side by side say nothing of what stands behind them."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_ONE_KIND, _NO_BRACKETS).replace(b'""', b"")
    return _STRING.sub(b"", bare) if b'"' in bare else bare


def write_request(request_id: bytes, method: str, *, params: bytes = NO_PARAMS) -> bytes:
    """`request_id`: JSON."""
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % (request_id, _encode(method), params)


def write_notification(method: str, params: bytes = NO_PARAMS) -> bytes:
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (_encode(method), params)


def write_result(request_id: bytes, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (request_id, result)


def write_error(request_id: bytes, error: bytes) -> bytes:
    """`error`: the JSON of the error object; `request_id`: b"null" where none could be read."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (request_id, error)


def make_error(code: int, message: str, *, data: bytes | None = None) -> bytes:
    """The error object. `data`: JSON."""
    if data is None:
        return b'{"code":%d,"message":%b}' % (code, _encode(message))
    return b'{"code":%d,"message":%b,"data":%b}' % (code, _encode(message), data)


def read_error(error: bytes) -> Fault:
    """What cannot be read is an internal error with the text as its message."""
    try:
        return _decode_fault(error)
    except (msgspec.DecodeError, RecursionError):
        return Fault(message=error[:200].decode(errors="replace"))


def read_object(body: bytes) -> dict[str, Raw]:
    """The members of an object, each as it was written. Raises MalformedError for anything else."""
    try:
        return _decode_object(body)
    except (msgspec.DecodeError, RecursionError) as error:
        _refuse(error)


def write_object(members: dict[str, Raw]) -> bytes:
    return b"{%b}" % b",".join([b"%b:%b" % (_encode(name), bytes(value)) for name, value in members.items()])


def put_member(body: bytes, *, name: str, value: bytes) -> bytes:
    """The object with one member set; all others as they were written. Raises MalformedError when it is none."""
    return write_object(read_object(body) | {name: Raw(value)})


def put_id(message: bytes, request_id: bytes) -> bytes:
    """The message with another id, members that JSON-RPC does not know kept."""
    return put_member(message, name="id", value=request_id)


def to_one_line(body: bytes) -> bytes:
    """Line ends of well-formed JSON are white space between values: for a transport that ends messages with them. Some
    readers (Node's) end a line with U+2028 and U+2029 too, which stand in strings as they are: there they are escaped.
    """
    if b"\n" in body or b"\r" in body:
        body = body.replace(b"\n", b" ").replace(b"\r", b" ")
    if body.isascii() or b"\xe2\x80" not in body:
        return body
    return body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
