"""Whether the journal is as it was written.

Each entry has a link with the hash of its content and a hash over the link before; the head holds the last one. To
change the past unseen one must write the whole rest of the chain anew, and the head, which is why its hash is shown to
owners: whoever has noted it knows.
"""

import hashlib
from dataclasses import dataclass

import msgspec

from nodes.models.journal import JournalEntry, JournalHead, JournalLink

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """`first_bad_seq` is the place in the chain where it stops being what was written; None: it is whole."""

    entries: int
    first_bad_seq: int | None = None
    fault: str | None = None  # edited, deleted, inserted, reordered or cut short


def hash_entry(entry: JournalEntry) -> bytes:
    """SHA-256 of its id, instant (UTC, microseconds), kind and detail, as JSON with sorted names."""
    content = (entry.id, entry.at.timestamp(), entry.kind, entry.detail)
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).digest()


def hash_link(previous: bytes, content_hash: bytes) -> bytes:
    return hashlib.sha256(previous + content_hash).digest()


def verify_chain() -> ChainVerdict:
    """Of the tenant we are in: its entries, links and head against each other, in order."""
    entries = {entry.id: entry for entry in JournalEntry.objects.order_by("id")}
    links = list(JournalLink.objects.order_by("seq"))
    previous, seen = GENESIS, 0
    ids = iter(entries)
    for expected_seq, link in enumerate(links, start=1):
        fault = _judge(link, expected_seq=expected_seq, previous=previous, entry=entries.get(link.entry_id))
        if fault is None and next(ids, None) != link.entry_id:
            fault = "inserted"  # an entry without a link stands before this one
        if fault is not None:
            return ChainVerdict(len(entries), expected_seq, fault)
        previous, seen = bytes(link.link_hash), expected_seq
    return _judge_end(seen, previous, has_more=next(ids, None) is not None, count=len(entries))


def _judge(link: JournalLink, *, expected_seq: int, previous: bytes, entry: JournalEntry | None) -> str | None:
    if link.seq != expected_seq or entry is None:
        return "deleted"
    if hash_entry(entry) != bytes(link.content_hash):
        return "edited"
    return None if hash_link(previous, bytes(link.content_hash)) == bytes(link.link_hash) else "reordered"


def _judge_end(seen: int, link_hash: bytes, *, has_more: bool, count: int) -> ChainVerdict:
    if has_more:
        return ChainVerdict(count, seen + 1, "inserted")
    head = JournalHead.objects.filter(id=1).first()
    expected = (head.seq, bytes(head.link_hash)) if head else (0, GENESIS)
    return ChainVerdict(count) if expected == (seen, link_hash) else ChainVerdict(count, seen + 1, "cut short")
