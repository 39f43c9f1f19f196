"""Reads say when nothing has changed; writes say what they replace, so that no change is lost unseen."""

import uuid
from typing import Any

import pytest

from nodes.models.policy import FeePolicyVersion
from tenants.context import enter_tenant
from tenants.tokens.access import mint_access_token
from tests.api.openapi_document import list_operations
from tests.api.problem import assert_problem, assert_refused_at
from tests.committed import committed_db, run_together
from tests.conftest import ApiClient, fill_box
from tests.factories import Box, make_box, make_snapshot

__all__ = ["committed_db"]
READS = [
    "channels", "channels/800000x1x0", "decisions", "decisions?run=latest", "runs/latest", "mode", "fee-policy",
    "credentials", "credentials/lnd",
]  # fmt: skip
WRITES = {"mode": {"mode": "shadow"}, "fee-policy": {"limits": {"node": {"max_fee_rate_ppm": 900}}}}


def token_of(box: Box) -> str:
    return mint_access_token(subject="x", scopes=["device", "read", "act"], tenant_id=box.dazbox.id)


@pytest.mark.parametrize("path", READS)
def test_what_has_not_changed_is_a_304_without_a_body(api: ApiClient, alice: Box, path: str) -> None:
    token = token_of(alice)
    first = api.get(alice.path(path), token=token)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.get(alice.path(path), token=token, **{"If-None-Match": known})
        assert (again.status, again.raw, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "private, no-cache"
    other = api.get(alice.path(path), token=token, **{"If-None-Match": '"other"'})
    assert (other.status, other.raw) == (200, first.raw)


def test_boxes_are_read_alike(api: ApiClient, alice: Box) -> None:
    shop = mint_access_token(subject="client:shop", scopes=["provisioning"], tenant_id=None)
    for path in ("/api/v1/provisioning/devices", f"/api/v1/provisioning/devices/{alice.dazbox.id}"):
        tag = api.get(path, token=shop).headers["ETag"]
        assert api.get(path, token=shop, **{"If-None-Match": tag}).status == 304


def test_what_has_changed_is_answered_with_another_tag(api: ApiClient, alice: Box) -> None:
    token = token_of(alice)
    before = api.get(alice.path("channels"), token=token)
    api.post(alice.path("snapshots"), make_snapshot(2, alice.channels[:1]), token=token)
    after = api.get(alice.path("channels"), token=token, **{"If-None-Match": before.headers["ETag"]})
    assert after.status == 200
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_refusal_has_no_tag(api: ApiClient, alice: Box) -> None:
    answer = api.get(alice.path("channels/1x1x1"), token=token_of(alice), **{"If-None-Match": "*"})
    assert_problem(answer, 404)
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(("path", "body"), WRITES.items())
def test_a_write_that_does_not_say_over_what_is_a_428(api: ApiClient, alice: Box, path: str, body: Any) -> None:
    assert_problem(api.call("PUT", alice.path(path), body, token=token_of(alice)), 428)


@pytest.mark.parametrize(("path", "body"), WRITES.items())
@pytest.mark.parametrize("stale", ['"other"', "", "no tag", "W/{tag}"])
def test_a_write_over_something_else_is_a_412_and_writes_nothing(
    api: ApiClient, alice: Box, path: str, body: Any, stale: str
) -> None:
    token = token_of(alice)
    before = api.get(alice.path(path), token=token)
    tag = before.headers["ETag"]
    answer = api.put(alice.path(path), body, token=token, **{"If-Match": stale.format(tag=tag)})
    assert_problem(answer, 412)
    assert answer.headers["ETag"] == tag
    assert api.get(alice.path(path), token=token).raw == before.raw


@pytest.mark.parametrize(("path", "body"), WRITES.items())
def test_a_write_over_the_present_state_answers_the_next_tag(api: ApiClient, alice: Box, path: str, body: Any) -> None:
    token = token_of(alice)
    tag = api.get(alice.path(path), token=token).headers["ETag"]
    written = api.put(alice.path(path), body, token=token, **{"If-Match": f'"other", {tag}'})
    assert written.status == 200
    read = api.get(alice.path(path), token=token)
    assert (written.raw, written.headers["ETag"]) == (read.raw, read.headers["ETag"])


def test_the_match_is_asked_before_the_body(api: ApiClient, alice: Box) -> None:
    token = token_of(alice)
    assert_problem(api.put(alice.path("mode"), {"mode": 1}, token=token, **{"If-Match": '"other"'}), 412)
    assert_refused_at(api.put(alice.path("mode"), {"mode": 1}, token=token), "/mode")


def test_every_put_needs_a_match_and_the_document_says_so() -> None:
    for operation in list_operations():
        if operation.method in {"PUT", "PATCH"}:
            [header] = [item for item in operation.detail["parameters"] if item["name"] == "If-Match"]
            assert header.get("required", False) is not str(operation).endswith("kill_switch")
            assert {"412", "428"} <= set(operation.detail["responses"])


def test_of_eight_writers_over_one_state_one_wins(committed_db: None) -> None:
    box = fill_box(make_box(f"owner {uuid.uuid4()}"), forwards=1)
    token = token_of(box)
    tag = ApiClient().get(box.path("fee-policy"), token=token).headers["ETag"]

    def write() -> int:
        answer = ApiClient().put(box.path("fee-policy"), {}, token=token, **{"If-Match": tag})
        return int(answer.status)

    statuses = run_together([write] * 8)
    assert sorted(statuses, key=str) == [200, *[412] * 7]
    with enter_tenant(box.tenant):
        assert FeePolicyVersion.objects.count() == 1
