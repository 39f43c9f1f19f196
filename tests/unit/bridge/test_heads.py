"""Which heads of requests need not be parsed again, and which must be."""

import pytest

from bridge.gateway.heads import Head, learn

LINE = b"POST /mcp HTTP/1.1\r\n"
PLAIN = LINE + b"Host: a\r\nContent-Length: 2\r\nAccept: b\r\n\r\n{}"
HEADERS = [(b"host", b"a"), (b"content-length", b"2"), (b"accept", b"b")]


def learn_of(data: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> Head | None:
    """As the parser read it."""
    return learn(data, {"path": "/mcp", "headers": HEADERS if headers is None else headers})


@pytest.fixture
def head() -> Head:
    head = learn_of(PLAIN)
    assert head is not None
    return head


def with_length(digits: bytes, body: bytes) -> bytes:
    return PLAIN[:-2].replace(b"Length: 2", b"Length: " + digits) + body


def test_another_length_is_the_same_head(head: Head) -> None:
    assert head.find_body(PLAIN) == b"{}"
    assert head.find_body(with_length(b"12", b"x" * 12)) == b"x" * 12
    assert head.find_body(with_length(b"0", b"")) == b""
    scope = head.write_scope(12, state={})
    assert scope["headers"] == [(b"host", b"a"), (b"content-length", b"12"), (b"accept", b"b")]
    assert HEADERS[1] == (b"content-length", b"2")


@pytest.mark.parametrize(
    "data",
    [
        with_length(b"3", b"{}"),  # the rest is still to come
        with_length(b"1", b"{}"),  # more than one request
        with_length(b"", b""),
        with_length(b"+2", b"{}"),
        with_length(b"2 ", b"{}"),
        with_length(b"2_0", b"x" * 20),
        with_length("\u0662".encode(), b"{}"),
        with_length(b"0000000002", b"{}"),
        PLAIN.replace(b"Host: a", b"Host: b"),
        PLAIN.replace(b"Accept: b", b"Accept: c"),
        PLAIN.replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n"),
        PLAIN[:30],
        b"",
    ],
)
def test_anything_else_is_another(head: Head, data: bytes) -> None:
    assert head.find_body(data) is None


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (b"Transfer-Encoding: chunked", (b"transfer-encoding", b"chunked")),
        (b"EXPECT: 100-continue", (b"expect", b"100-continue")),
        (b"Connection: close", (b"connection", b"close")),
        (b"Upgrade: h2c", (b"upgrade", b"h2c")),
        (b"content-length: 2", (b"content-length", b"2")),
        (b"X: y\n", (b"x", b"y")),  # a line that ends as it should not
        (b"X: y\r\n z", (b"x", b"y z")),  # one that goes on in the next
    ],
)
def test_a_head_that_says_more_is_parsed_each_time(line: bytes, header: tuple[bytes, bytes]) -> None:
    data = PLAIN.replace(b"Accept: b", b"Accept: b\r\n" + line)
    assert learn_of(data, [*HEADERS, header]) is None


def test_what_ends_in_the_body_is_no_head() -> None:
    """A parser that takes a bare line feed for an end found the head shorter."""
    data = LINE + b"Host: a\nContent-Length: 12\n\nx\r\n\r\nyyyyyyy"
    assert learn_of(data, [(b"host", b"a"), (b"content-length", b"12")]) is None


def test_a_request_without_a_length_is_parsed_each_time() -> None:
    assert learn_of(LINE + b"Host: a\r\n\r\n", [(b"host", b"a")]) is None


def test_a_long_head_is_not_remembered() -> None:
    long = b"x" * 9000
    data = PLAIN.replace(b"Accept: b", b"Accept: " + long)
    assert learn_of(data, [*HEADERS[:2], (b"accept", long)]) is None
