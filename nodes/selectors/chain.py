"""Whether the journal is as it was written.

Each entry has a link with the hash of its content and a hash over the link before; the head holds the last one. To
change the past unseen one must write the whole rest of the chain anew, and the head, which is why its hash is shown to
owners: whoever has noted it knows.
"""

import hashlib
from dataclasses import dataclass, replace

import msgspec

from mcp_saas.kit.crypto import KeyMissingError, SealError
from nodes.models.journal import JournalEntry, JournalHead, JournalLink
from tenants.sealing.tenant import current_keys

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """`first_bad_seq` is the place in the chain where it stops being what was written; None: it is whole."""

    entries: int
    first_bad_seq: int | None = None
    fault: str | None = None  # edited, deleted, inserted, reordered or cut short
    are_contents_checked: bool = True  # false: the keys are destroyed, so only links and order could be


def hash_entry(entry: JournalEntry) -> bytes:
    """Of its id, instant (UTC, microseconds), kind and detail, as JSON with sorted names.

    Keyed, so that nobody finds an entry out by trying; with the key that stays, so that sealing anew changes nothing.
    """
    content = (entry.id, entry.at.timestamp(), entry.kind, entry.detail)
    return current_keys().digest("journal", msgspec.json.encode(content, order="sorted"))


def hash_link(previous: bytes, content_hash: bytes) -> bytes:
    return hashlib.sha256(previous + content_hash).digest()


def verify_chain() -> ChainVerdict:
    """Of the tenant we are in: its entries, links and head against each other, in order.

    Links are hashed without a key: that the chain is one can be told when the keys of the entries are destroyed.
    """
    entries = {values["id"]: JournalEntry(**values) for values in JournalEntry.objects.order_by("id").values()}
    has_keys = _has_keys()
    links = list(JournalLink.objects.order_by("seq"))
    previous, seen = GENESIS, 0
    ids = iter(entries)
    for expected_seq, link in enumerate(links, start=1):
        fault = _judge(link, expected_seq=expected_seq, previous=previous, entry=entries.get(link.entry_id))
        if fault is None and has_keys and not _is_as_written(entries[link.entry_id], link):
            fault = "edited"
        if fault is None and next(ids, None) != link.entry_id:
            fault = "inserted"  # an entry without a link stands before this one
        if fault is not None:
            return ChainVerdict(len(entries), expected_seq, fault, has_keys)
        previous, seen = bytes(link.link_hash), expected_seq
    end = _judge_end(seen, previous, has_more=next(ids, None) is not None, count=len(entries))
    return replace(end, are_contents_checked=has_keys)


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
    return None if hash_link(previous, bytes(link.content_hash)) == bytes(link.link_hash) else "reordered"


def _judge_end(seen: int, link_hash: bytes, *, has_more: bool, count: int) -> ChainVerdict:
    if has_more:
        return ChainVerdict(count, seen + 1, "inserted")
    head = JournalHead.objects.filter(id=1).first()
    expected = (head.seq, bytes(head.link_hash)) if head else (0, GENESIS)
    return ChainVerdict(count) if expected == (seen, link_hash) else ChainVerdict(count, seen + 1, "cut short")
