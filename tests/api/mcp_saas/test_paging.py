"""Pages: limits that hold, cursors that fit, no row twice and none left out."""

import pytest

from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_channel, make_snapshot

BAD_LIMITS = [
    "0",
    "101",
    "-1",
    "+1",
    "1.0",
    "1e1",
    "1_0",
    " 1",
    "",
    "x",
    "null",
    "%D9%A3",
    "%00",
    "000000001000",
    "9" * 5000,
]
BAD_CURSORS = ["forged", "1:forged", "%00", "%ff", ":", "x" * 10_000, "1"]
PAGED = ["channels", "decisions", "journal"]


def report(api: ApiClient, box: Box, seq: int, numbers: list[int]) -> None:
    snapshot = make_snapshot(seq, [make_channel(number) for number in numbers])
    assert api.post(box.path("snapshots"), snapshot, token=api.token_of(box)).status == 201


@pytest.mark.parametrize("path", PAGED)
def test_a_limit_outside_1_to_100_is_refused(api: ApiClient, charlie: Box, path: str) -> None:
    token = api.token_of(charlie)
    for limit in BAD_LIMITS:
        assert_problem(api.get(charlie.path(f"{path}?limit={limit}"), token=token), 400)
    for limit in ("1", "100", "007"):
        assert api.get(charlie.path(f"{path}?limit={limit}"), token=token).status == 200


@pytest.mark.parametrize("path", PAGED)
def test_a_cursor_we_did_not_give_is_refused(api: ApiClient, charlie: Box, path: str) -> None:
    token = api.token_of(charlie)
    for cursor in BAD_CURSORS:
        assert_problem(api.get(charlie.path(f"{path}?cursor={cursor}"), token=token), 400)


def test_links_lead_through_all_rows_once_while_rows_are_added(api: ApiClient, charlie: Box) -> None:
    report(api, charlie, 1, list(range(1, 8)))
    token, found, path, seq = api.token_of(charlie), [], charlie.path("channels?limit=3"), 1
    while path:
        page = api.get(path, token=token)
        assert len(page.json["items"]) <= 3
        found += [item["short_channel_id"] for item in page.json["items"]]
        link = page.headers.get("Link", "")
        assert bool(link) == (page.json["next_cursor"] is not None)
        path = link[1 : link.index(">")] if link else ""
        seq += 1
        if seq == 2:  # after the first page
            report(api, charlie, seq, list(range(1, 10)))
    assert found == [f"800000x{number}x0" for number in range(1, 10)]


def test_a_page_that_is_just_full_is_the_last(api: ApiClient, charlie: Box) -> None:
    report(api, charlie, 1, [1, 2, 3])
    page = api.get(charlie.path("channels?limit=3"), token=api.token_of(charlie))
    assert (len(page.json["items"]), page.json["next_cursor"]) == (3, None)
    assert "Link" not in page.headers
