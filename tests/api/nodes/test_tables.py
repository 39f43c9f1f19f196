"""CSV files: what a spreadsheet gets, and what it cannot be made to do."""

import csv
import io

import msgspec
import pytest

from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_snapshot
from nodes.selectors import lines
from tenants.context import enter_tenant
from tests.api import lasting
from tests.conftest import ApiClient
from tests.factories import Box, make_channel, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def fetch(api: ApiClient, box: Box, name: str, **headers: str) -> list[dict[str, str]]:
    answer = api.get(box.path(name), token=api.token_of(box), **headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert ".csv" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))


def test_decisions_come_as_one_table_newest_first(api: ApiClient, alice: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BATCH_ROWS", 3)
    with enter_tenant(alice.tenant):
        run_cycle()
    rows = fetch(api, alice, "decisions.csv")
    listed = api.get(alice.path("decisions"), token=api.token_of(alice)).json["items"]
    assert [row["id"] for row in rows] == [str(item["id"]) for item in listed]
    assert [row["why"] for row in rows] == [item["why"] for item in listed]
    assert {row["old_fee_rate_ppm"] for row in rows} == {"300"}
    assert all(row["decided_at"].endswith("Z") for row in rows)
    assert len(fetch(api, alice, "decisions.csv?run=latest")) == 2


def test_decisions_are_told_in_french(api: ApiClient, alice: Box) -> None:
    rows = fetch(api, alice, "decisions.csv", **{"Accept-Language": "fr", "Accept": "text/csv"})
    assert all(row["why"].startswith("Le solde local") for row in rows)


def test_actions_are_told_in_french(api: ApiClient, alice: Box) -> None:
    rows = fetch(api, alice, "actions.csv", **{"Accept-Language": "fr", "Accept": "text/csv"})
    assert all(row["why"].startswith("Le solde local") for row in rows)


def test_actions_come_with_their_fees_and_are_not_handed_over(api: ApiClient, alice: Box) -> None:
    rows = fetch(api, alice, "actions.csv")
    assert [row["state"] for row in rows] == ["planned"] * 2
    assert {row["old_fee_rate_ppm"] for row in rows} == {"300"}
    assert len(fetch(api, alice, f"actions.csv?state=planned&channel={rows[0]['channel']}")) == 1
    assert fetch(api, alice, "actions.csv?state=sent") == []
    assert api.get(alice.path("actions.csv?state=gone"), token=api.token_of(alice)).status == 400


def test_forwards_come_oldest_first_within_their_window(api: ApiClient, bob: Box) -> None:
    rows = fetch(api, bob, "forwards.csv")
    instants = [row["settled_at"] for row in rows]
    assert len(rows) == 40
    assert instants == sorted(instants)
    window = fetch(api, bob, f"forwards.csv?since={instants[5]}&until={instants[9]}")
    assert [row["settled_at"] for row in window] == instants[5:9]
    assert (window[0]["fee_msat"], window[0]["status"]) == ("15000", "settled")


@pytest.mark.parametrize("alias", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", 'a"b,c\r\nd'])
def test_a_strangers_alias_is_text_and_no_formula(api: ApiClient, alice: Box, alias: str) -> None:
    channel = msgspec.structs.replace(make_channel(1), peer_alias=alias)
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2, [channel]))
        run_cycle()
    [row] = fetch(api, alice, "decisions.csv?run=latest")
    assert row["peer_alias"].lstrip("'") == " ".join(alias.split())  # a report brings an alias into one line
    assert row["peer_alias"][0] in {"'", "a"}


def test_a_box_that_never_reported_has_tables_of_a_header_alone(api: ApiClient, charlie: Box) -> None:
    assert [fetch(api, charlie, f"{name}.csv") for name in ("decisions", "actions", "forwards")] == [[], [], []]
