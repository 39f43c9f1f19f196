"""The journal is chained: whatever is done to it behind its back names the first bad entry."""

import hashlib
import io
from functools import partial

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from nodes.models.journal import JournalEntry, JournalHead, JournalLink
from nodes.pipeline.journal import note
from nodes.pipeline.reencrypt import reencrypt_tenant
from nodes.selectors.chain import ChainVerdict, verify_chain
from tenants.context import enter_tenant
from tenants.sealing.tenant import destroy_keys
from tests.api.case import cases
from tests.committed import committed_db, run_together
from tests.conftest import ApiClient
from tests.factories import Box, make_box

__all__ = ["committed_db"]
# Done to a journal of six entries whose ids are i + 1 .. i + 6.
TAMPERING = {
    "edit": ("UPDATE nodes_journalentry SET kind = 'forged' WHERE id = {i} + 3", 3, "edited"),
    "edit the time": ("UPDATE nodes_journalentry SET at = at + interval '1 us' WHERE id = {i} + 3", 3, "edited"),
    "edit the detail": (
        (
            "UPDATE nodes_journalentry SET detail = (SELECT detail FROM nodes_journalentry WHERE id = {i} + 2) "
            "WHERE id = {i} + 4"
        ),
        4,
        "edited",
    ),
    "delete": ("DELETE FROM nodes_journalentry WHERE id = {i} + 2", 2, "deleted"),
    "delete with its link": (
        "DELETE FROM nodes_journalentry WHERE id = {i} + 2; DELETE FROM nodes_journallink WHERE seq = 2",
        2,
        "deleted",
    ),
    "delete the last with its link": (
        "DELETE FROM nodes_journalentry WHERE id = {i} + 6; DELETE FROM nodes_journallink WHERE seq = 6",
        6,
        "cut short",
    ),
    "reorder": (
        (
            "UPDATE nodes_journalentry SET id = -1 WHERE id = {i} + 2; "
            "UPDATE nodes_journalentry SET id = {i} + 2 WHERE id = {i} + 4; "
            "UPDATE nodes_journalentry SET id = {i} + 4 WHERE id = -1"
        ),
        2,
        "edited",
    ),
    "reorder the links": (
        (
            "UPDATE nodes_journallink SET seq = -1 WHERE seq = 2; UPDATE nodes_journallink SET seq = 2 WHERE seq = 4; "
            "UPDATE nodes_journallink SET seq = 4 WHERE seq = -1"
        ),
        2,
        "reordered",
    ),
    "insert before": (
        (
            "INSERT INTO nodes_journalentry (id, at, kind, detail) SELECT 0, at, kind, detail FROM nodes_journalentry "
            "WHERE id = {i} + 1"
        ),
        1,
        "inserted",
    ),
    "insert after": (
        (
            "INSERT INTO nodes_journalentry (at, kind, detail) SELECT at, kind, detail FROM nodes_journalentry "
            "WHERE id = {i} + 1"
        ),
        7,
        "inserted",
    ),
}


@pytest.fixture
def box(db: None) -> Box:
    """Its journal has six entries: its own beginning and five notes."""
    made = make_box("audited")
    with enter_tenant(made.tenant):
        for number in range(5):
            note("test", f"note {number}", number=number)
    return made


def tamper(box: Box, sql: str) -> None:
    with enter_tenant(box.tenant), connection.cursor() as cursor:
        first = JournalEntry.objects.order_by("id").values_list("id", flat=True)[0]
        for statement in sql.format(i=first - 1).split(";"):
            cursor.execute(statement)


def verify(box: Box) -> ChainVerdict:
    with enter_tenant(box.tenant):
        return verify_chain()


def test_what_was_written_is_whole(box: Box) -> None:
    assert verify(box) == ChainVerdict(6)


@cases(TAMPERING)
def test_tampering_names_the_first_bad_entry(box: Box, case: tuple[str, int, str]) -> None:
    sql, first_bad_seq, fault = case
    tamper(box, sql)
    verdict = verify(box)
    assert (verdict.first_bad_seq, verdict.fault) == (first_bad_seq, fault)


def relink(*, keep: int, cut: int) -> None:
    """What who writes to the database can do: `cut` entries after the first `keep` go, the rest is linked anew."""
    links = list(JournalLink.objects.order_by("seq"))
    gone, left = links[keep : keep + cut], links[:keep] + links[keep + cut :]
    JournalEntry.objects.filter(id__in=[link.entry_id for link in gone]).delete()
    JournalLink.objects.all().delete()
    previous = bytes(32)
    for seq, link in enumerate(left, start=1):
        if seq > keep:
            link.link_hash = hashlib.sha256(previous + bytes(link.content_hash)).digest()
        link.seq, previous = seq, bytes(link.link_hash)
    JournalLink.objects.bulk_create(left)
    JournalHead.objects.update(seq=len(left), link_hash=previous)


@pytest.mark.parametrize(("keep", "cut", "fault"), [(1, 2, (2, "reordered")), (4, 2, (5, "cut short"))])
def test_a_journal_made_shorter_with_new_links_and_a_new_head_is_noticed(
    box: Box, keep: int, cut: int, fault: tuple[int, str]
) -> None:
    with enter_tenant(box.tenant):
        relink(keep=keep, cut=cut)
    verdict = verify(box)
    assert (verdict.first_bad_seq, verdict.fault) == fault


def test_a_cut_tail_is_not_hidden_by_what_is_written_after_it(box: Box) -> None:
    with enter_tenant(box.tenant):
        relink(keep=4, cut=2)
        note("test", "goes on")
        note("test", "and on")
    assert verify(box) == ChainVerdict(6, 7, "cut short")


def test_an_old_head_over_a_cut_tail_is_seen_by_who_noted_the_newer_one(box: Box) -> None:
    with enter_tenant(box.tenant):
        old = JournalHead.objects.values().get()
        note("test", "the last")
    noted = list_heads()
    with enter_tenant(box.tenant):
        JournalEntry.objects.filter(id=JournalLink.objects.get(seq=7).entry_id).delete()
        JournalLink.objects.filter(seq=7).delete()
        JournalHead.objects.update(**old)
    assert verify(box) == ChainVerdict(6)
    assert list_heads() != noted


def list_heads() -> list[str]:
    call_command("verify_audit", stdout=(out := io.StringIO()))
    return [line.partition(", head ")[2] for line in out.getvalue().splitlines()]


def test_sealing_anew_changes_no_hash_and_without_keys_nothing_is_verified(box: Box) -> None:
    with enter_tenant(box.tenant):
        before = list(JournalLink.objects.order_by("seq").values())
    reencrypt_tenant(box.tenant)
    with enter_tenant(box.tenant):
        assert list(JournalLink.objects.order_by("seq").values())[:6] == before
    assert verify(box) == ChainVerdict(7)
    destroy_keys(box.dazbox.id)
    assert verify(box) == ChainVerdict(7, fault="keys missing")


def test_the_command_names_box_and_entry(box: Box, charlie: Box) -> None:
    call_command("verify_audit", stdout=(out := io.StringIO()))
    assert f"{box.dazbox.id}: 6 entries, whole" in out.getvalue()
    tamper(box, TAMPERING["edit"][0])
    with pytest.raises(CommandError, match="1 journals"):
        call_command("verify_audit", stdout=(out := io.StringIO()))
    assert f"{box.dazbox.id}: 6 entries, edited at 3" in out.getvalue()
    assert f"{charlie.dazbox.id}: 1 entries, whole" in out.getvalue()


def test_the_endpoint_says_the_same_to_the_owner(api: ApiClient, box: Box, charlie: Box) -> None:
    path, token = "/api/v1/provisioning/audit/verify", api.token_of(box)
    [verdict] = api.get(path, token=token).json["items"]
    assert (verdict["device_id"], verdict["is_whole"], verdict["entries"]) == (str(box.dazbox.id), True, 6)
    tamper(box, TAMPERING["delete"][0])
    [verdict] = api.get(path, token=token).json["items"]
    assert (verdict["is_whole"], verdict["first_bad_seq"], verdict["fault"]) == (False, 2, "deleted")
    assert api.get(path, token=api.token_of(charlie)).json["items"][0]["is_whole"]


def test_events_are_listed_with_their_hashes(api: ApiClient, box: Box) -> None:
    path = f"/api/v1/provisioning/devices/{box.dazbox.id}/events"
    items = api.get(path, token=api.token_of(box)).json["items"]
    assert [item["seq"] for item in items] == [6, 5, 4, 3, 2, 1]
    assert len({item["link_hash"] for item in items}) == 6
    assert items[-1]["facts"]["after"] == "active"


def test_writers_at_once_make_one_chain(committed_db: None) -> None:
    made = make_box("crowded")

    def write(number: int) -> None:
        with enter_tenant(made.tenant):
            note("test", f"note {number}")

    assert run_together([partial(write, number) for number in range(8)]) == [None] * 8
    assert verify(made) == ChainVerdict(9)
