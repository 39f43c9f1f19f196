"""Whether the journal is as it was written.

Each entry has a link with the hash of its content and a hash over its number and the link before; the head holds the
last one and a seal over it. All are keyed with the box's own key for digests: who can write to the database alone makes
none. What they can put back is an old head, seal and all, over a tail cut off. Hence its hash is shown to owners and
operators: whoever has noted it knows.
"""

import hmac
import struct
from dataclasses import dataclass

import msgspec

from mcp_saas.kit.crypto import KeyMissingError, SealError
from nodes.models.journal import JournalEntry, JournalHead, JournalLink
from tenants.sealing.tenant import current_keys

GENESIS = bytes(32)
_SEQ = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """`first_bad_seq` is the place in the chain where it stops being what was written; None: it is whole."""

    entries: int
    first_bad_seq: int | None = None
    fault: str | None = None  # edited, deleted, inserted, reordered, cut short; keys missing: nothing can be told


def hash_entry(entry: JournalEntry) -> bytes:
    """Of its id, instant (UTC, microseconds), kind and detail, as JSON with sorted names.

    Keyed, so that nobody finds an entry out by trying; with the key that stays, so that sealing anew changes nothing.
    """
    content = (entry.id, entry.at.timestamp(), entry.kind, entry.detail)
    return current_keys().digest("journal", msgspec.json.encode(content, order="sorted"))


def hash_link(seq: int, previous: bytes, *, content_hash: bytes) -> bytes:
    return current_keys().digest("journal link", _SEQ.pack(seq) + previous + content_hash)


def seal_head(head: JournalHead) -> bytes:
    """Over where the chain ends: no link tells it, so an earlier link cannot be made the last."""
    return current_keys().digest("journal head", _SEQ.pack(head.seq) + bytes(head.link_hash))


def is_head_sealed(head: JournalHead) -> bool:
    """Or nothing is written yet."""
    is_new = (head.seq, bytes(head.link_hash), bytes(head.seal)) == (0, GENESIS, b"")
    return is_new or hmac.compare_digest(seal_head(head), bytes(head.seal))


def verify_chain() -> ChainVerdict:
    """Of the tenant we are in: its entries, links and head against each other, in order."""
    entries = {values["id"]: JournalEntry(**values) for values in JournalEntry.objects.order_by("id").values()}
    if not _has_keys():
        return ChainVerdict(len(entries), fault="keys missing")
    links = list(JournalLink.objects.order_by("seq"))
    previous, seen = GENESIS, 0
    ids = iter(entries)
    for expected_seq, link in enumerate(links, start=1):
        fault = _judge(link, expected_seq=expected_seq, previous=previous, entry=entries.get(link.entry_id))
        if fault is None and not _is_as_written(entries[link.entry_id], link):
            fault = "edited"
        if fault is None and next(ids, None) != link.entry_id:
            fault = "inserted"  # an entry without a link stands before this one
        if fault is not None:
            return ChainVerdict(len(entries), expected_seq, fault)
        previous, seen = bytes(link.link_hash), expected_seq
    return _judge_end(seen, previous, has_more=next(ids, None) is not None, count=len(entries))


def _has_keys() -> bool:
    try:
        current_keys()
    except KeyMissingError:
        return False
    return True


def _is_as_written(entry: JournalEntry, link: JournalLink) -> bool:
    try:
        entry.open_payloads()
    except SealError:
        return False
    return hash_entry(entry) == bytes(link.content_hash)


def _judge(link: JournalLink, *, expected_seq: int, previous: bytes, entry: JournalEntry | None) -> str | None:
    if link.seq != expected_seq or entry is None:
        return "deleted"
    expected = hash_link(expected_seq, previous, content_hash=bytes(link.content_hash))
    return None if hmac.compare_digest(expected, bytes(link.link_hash)) else "reordered"


def _judge_end(seen: int, link_hash: bytes, *, has_more: bool, count: int) -> ChainVerdict:
    if has_more:
        return ChainVerdict(count, seen + 1, "inserted")
    head = find_head()
    is_end = (head.seq, bytes(head.link_hash)) == (seen, link_hash) and is_head_sealed(head)
    return ChainVerdict(count) if is_end else ChainVerdict(count, seen + 1, "cut short")


def find_head() -> JournalHead:
    """Of the tenant we are in; one of number 0 where nothing is written."""
    return JournalHead.objects.filter(id=1).first() or JournalHead()
