"""Params on their way to a server: its `_meta` completed, the token of progress replaced by one that is ours alone."""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from bridge.engine import envelope
from bridge.sources.asks import PROGRESS
from bridge.sources.connection import Era, Notice
from bridge.sources.handshake import META, make_meta

_DEFAULT_META = make_meta()
_DEFAULT = envelope.write_object(_DEFAULT_META)


class _Meta(Struct, frozen=True, gc=False):
    version: Raw = field(default=Raw(), name=f"{META}protocolVersion")
    capabilities: Raw = field(default=Raw(), name=f"{META}clientCapabilities")
    info: Raw = field(default=Raw(), name=f"{META}clientInfo")
    token: Raw = field(default=Raw(), name="progressToken")


class _Params(Struct, frozen=True, gc=False):
    meta: _Meta | UnsetType | None = field(default=UNSET, name="_meta")


class _NoticeMeta(Struct, frozen=True, gc=False):
    subscription: int | str | None = field(default=None, name=f"{META}subscriptionId")


class _NoticeParams(Struct, frozen=True, gc=False):
    token: int | str | None = field(default=None, name="progressToken")
    request_id: int | str | None = field(default=None, name="requestId")
    meta: _NoticeMeta = field(default_factory=_NoticeMeta, name="_meta")


_read = msgspec.json.Decoder(_Params).decode
_read_notice = msgspec.json.Decoder(_NoticeParams).decode


def prepare(params: bytes, era: Era, *, token: int) -> tuple[bytes, bytes | None]:
    """The params as they are sent, and the token of progress as the caller wrote it, if there is one.

    Raises MalformedError when they are no object.
    """
    if era == "legacy" and b"progressToken" not in params and b"\\u" not in params:
        return params, None
    try:
        meta = _read(params).meta
    except (msgspec.DecodeError, RecursionError) as error:
        raise envelope.MalformedError(envelope.INVALID_PARAMS, f"the params cannot be read: {error}") from error
    if meta is UNSET:
        return (params if era == "legacy" else _add_meta(params)), None
    meta = meta or _Meta()
    is_complete = era == "legacy" or (meta.version and meta.capabilities and meta.info)
    if is_complete and not meta.token:
        return params, None
    return _change_meta(params, era, own_token=token if meta.token else None), bytes(meta.token) or None


def _add_meta(params: bytes) -> bytes:
    """To params that have none."""
    rest = params.lstrip()[1:]
    is_empty = len(rest) < 64 and rest.strip() == b"}"
    return b'{"_meta":%b%b%b' % (_DEFAULT, b"" if is_empty else b",", rest)


def _change_meta(params: bytes, era: Era, *, own_token: int | None) -> bytes:
    members = envelope.read_object(params)
    raw = bytes(members["_meta"])
    meta = {} if raw == b"null" else envelope.read_object(raw)
    if era == "modern":
        meta = _DEFAULT_META | meta
    if own_token is not None:
        meta["progressToken"] = Raw(b"%d" % own_token)
    members["_meta"] = Raw(envelope.write_object(meta))
    return envelope.write_object(members)


def read_notice(params: bytes) -> _NoticeParams:
    """What a notification belongs to. Empty where it does not say."""
    try:
        return _read_notice(params)
    except (msgspec.DecodeError, RecursionError):
        return _NoticeParams()


def restore_token(params: bytes, token: bytes) -> Notice:
    """The notice of progress with the token its caller knows."""
    return Notice(PROGRESS, envelope.put_member(params, name="progressToken", value=token))
