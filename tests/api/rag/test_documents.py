"""Documents are sent, looked at, replaced and deleted by their own box, and by nobody else's."""

import uuid
from typing import Any

import pytest
from django.test import Client

from rag.models.document import Document
from rag.pipeline.document import Offer, add_document
from tenants.context import enter_tenant
from tenants.engine.plan import PLANS
from tenants.models.job import Job
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key
from tests.unit.rag.hostile import DOCX, make_docx, make_pdf, paragraph

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db

PATH = "/api/v1/knowledge/documents"
PNG = b"\x89PNG\r\n\x1a\n"
NOTES = {"title": "Notes", "text": "# Notes\n\nFees were raised."}


def make_form(content: bytes, *, name: str = "notes.md", media_type: str = "", title: str = "") -> tuple[bytes, str]:
    """The body and its media type, as a browser or curl sends it."""
    kind = f"Content-Type: {media_type}\r\n" if media_type else ""
    parts = [f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n{kind}'.encode() + b"\r\n" + content]
    if title:
        parts.append(b'Content-Disposition: form-data; name="title"\r\n\r\n' + title.encode())
    body = b"".join(b"--cut\r\n" + part + b"\r\n" for part in parts) + b"--cut--\r\n"
    return body, "multipart/form-data; boundary=cut"


def send_file(api: ApiClient, token: str, content: bytes, **form: str) -> Any:
    body, content_type = make_form(content, **form)
    return api.post(PATH, body, token=token, content_type=content_type)


@pytest.fixture
def token(api: ApiClient, charlie: Box) -> str:
    return api.token_of(charlie)


def test_a_document_is_queued_with_a_job_and_shows_its_state(api: ApiClient, charlie: Box, token: str) -> None:
    answer = api.post(PATH, NOTES, token=token)
    assert answer.status == 201
    shown = api.get(answer.headers["Location"], token=token)
    assert shown.json == answer.json
    assert shown.json["state"] == "queued"
    assert (shown.json["title"], shown.json["reason"]) == ("Notes", None)
    assert shown.json["progress"] == {"done": 0, "total": 0}
    job = Job.objects.get(dazbox_id=charlie.dazbox.id, task="rag.tasks.index_document")
    assert job.args == [answer.json["id"]]


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"# Fees", "", "text/markdown"),
        (b"# Fees", "application/octet-stream", "text/markdown"),
        (b"# Fees", "text/plain", "text/plain"),
        (b"<!doctype html><p>x", "text/html; charset=utf-8", "text/html"),
        (make_pdf(["x"]), "application/pdf", "application/pdf"),
        (make_docx(paragraph("x")), DOCX, DOCX),
    ],
)
def test_files_of_each_kind_are_taken(
    api: ApiClient, token: str, content: bytes, media_type: str, expected: str
) -> None:
    answer = send_file(api, token, content, media_type=media_type)
    assert (answer.status, answer.json["media_type"], answer.json["title"]) == (201, expected, "notes")
    assert answer.json["size_bytes"] == len(content)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (PNG, "text/plain"),
        (b"words", "application/pdf"),
        (b"x", "a/b"),
    ],
)
def test_what_is_none_of_the_kinds_is_refused_at_once(
    api: ApiClient, charlie: Box, token: str, content: bytes, media_type: str
) -> None:
    assert_problem(send_file(api, token, content, media_type=media_type), 415)
    assert_problem(api.post(PATH, b"x", token=token, content_type="text/plain"), 415)
    with enter_tenant(charlie.tenant):
        assert not Document.objects.exists()


@pytest.mark.fault
def test_more_than_ten_megabytes_are_refused(api: ApiClient, token: str) -> None:
    assert_problem(send_file(api, token, b"x" * (10 * 1024 * 1024 + 1)), 413)


@pytest.mark.fault
@pytest.mark.parametrize(
    "body",
    [
        {"title": "x", "text": ""},
        {"title": "\u202e\u200b", "text": "x"},
        {"title": "x" * 201, "text": "x"},
        {"title": "x"},
        {"title": "x", "text": "x", "media_type": "application/pdf"},
    ],
)
def test_a_body_that_is_not_as_the_contract_says_is_refused(api: ApiClient, token: str, body: dict[str, str]) -> None:
    assert_problem(api.post(PATH, body, token=token), 400)


@pytest.mark.fault
@pytest.mark.parametrize("raw", [b"no form", b"--cut\r\n\r\n", make_form(b"x")[0].replace(b'"file"', b'"other"')])
def test_a_broken_form_is_refused(api: ApiClient, token: str, raw: bytes) -> None:
    assert_problem(api.post(PATH, raw, token=token, content_type="multipart/form-data; boundary=cut"), 400)
    assert_problem(api.post(PATH, raw, token=token, content_type="multipart/form-data"), 400)


def test_a_file_name_is_no_path_and_no_trick(api: ApiClient, token: str) -> None:
    answer = send_file(api, token, b"x", name="../../etc/evil\u202efdp.md")
    assert answer.json["title"] == "evilfdp"


def test_the_same_key_is_one_document_and_the_same_bytes_are_too(api: ApiClient, charlie: Box, token: str) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (api.post(PATH, NOTES, token=token, **key) for _ in range(2))
    assert (first.status, again.status, first.raw) == (201, 201, again.raw)
    other = api.post(PATH, NOTES, token=token)
    assert (other.status, other.json["id"]) == (200, first.json["id"])
    assert Job.objects.filter(dazbox_id=charlie.dazbox.id, task="rag.tasks.index_document").count() == 1


def test_pages_of_documents_are_complete_and_in_order(api: ApiClient, token: str) -> None:
    sent = [api.post(PATH, {"title": f"n{n}", "text": f"text {n}"}, token=token).json["id"] for n in range(5)]
    seen, cursor = [], ""
    while True:
        page = api.get(f"{PATH}?limit=2{cursor}", token=token).json
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sent


def test_a_document_is_replaced_only_by_who_names_the_present_one(api: ApiClient, charlie: Box, token: str) -> None:
    path = api.post(PATH, NOTES, token=token).headers["Location"]
    etag = api.get(path, token=token).headers["ETag"]
    new = NOTES | {"text": "# Notes\n\nFees were lowered."}
    assert_problem(api.call("PUT", path, new, token=token), 428)
    answer = api.put(path, new, token=token, **{"If-Match": etag})
    assert (answer.status, answer.json["version"], answer.json["state"]) == (200, 2, "queued")
    assert_problem(api.put(path, NOTES, token=token, **{"If-Match": etag}), 412)


def test_a_document_does_not_become_the_bytes_of_another(api: ApiClient, token: str) -> None:
    api.post(PATH, NOTES, token=token)
    path = api.post(PATH, {"title": "Other", "text": "other"}, token=token).headers["Location"]
    assert_problem(api.put(path, NOTES, token=token), 409)


def test_a_deleted_document_is_gone_and_its_points_are_asked_to_go(api: ApiClient, charlie: Box, token: str) -> None:
    answer = api.post(PATH, NOTES, token=token)
    path = answer.headers["Location"]
    assert api.call("DELETE", path, token=token).status == 204
    assert_problem(api.get(path, token=token), 404)
    assert_problem(api.call("DELETE", path, token=token), 404)
    assert Job.objects.get(dazbox_id=charlie.dazbox.id, task="rag.tasks.forget_document").args == [answer.json["id"]]


def test_bob_cannot_see_replace_or_delete_a_document_of_charlie(
    api: ApiClient, charlie: Box, bob: Box, token: str
) -> None:
    path = api.post(PATH, NOTES, token=token).headers["Location"]
    foreign = api.token_of(bob)
    for method, body in (("GET", None), ("PUT", {"title": "x", "text": "x"}), ("DELETE", None)):
        assert_problem(api.call(method, path, body, token=foreign, **{"If-Match": "*"}), 404)
    assert api.get(PATH, token=foreign).json["items"] == []
    assert api.get(path, token=token).json["version"] == 1


def test_an_app_that_may_only_read_does_not_write(api: ApiClient, charlie: Box, token: str) -> None:
    key = make_api_key(charlie, scopes=("read",))
    assert api.get(PATH, token=key).status == 200
    assert_problem(api.post(PATH, NOTES, token=key), 403)


def test_beyond_the_plan_the_answer_says_which_limit(api: ApiClient, charlie: Box, token: str) -> None:
    limit = PLANS["home"].limits["rag_documents"]
    with enter_tenant(charlie.tenant):
        first = add_document(Offer(title="x", media_type="text/plain", content=b"x"))[0]
        rows = [Document(**fields_of(first) | {"id": uuid.uuid4(), "digest": n.to_bytes(32)}) for n in range(limit - 1)]
        Document.objects.bulk_create(rows)
    answer = api.post(PATH, NOTES, token=token)
    assert_problem(answer, 429)
    assert f"{limit} rag documents" in answer.json["detail"]
    quota = api.get(f"/api/v1/provisioning/devices/{charlie.dazbox.id}/quota", token=token).json["items"]
    used = {item["name"]: (item["used"], item["is_counted"]) for item in quota}
    assert used["rag_documents"] == (limit, True)
    assert used["channels"] == (0, True)


def fields_of(document: Document) -> dict[str, Any]:
    return {field.attname: getattr(document, field.attname) for field in Document._meta.concrete_fields}


def test_an_operator_sees_how_far_documents_are_and_no_word_of_them(
    api: ApiClient, charlie: Box, token: str, admin_client: Client
) -> None:
    api.post(PATH, {"title": "canary-title", "text": "canary-text"}, token=token)
    page = admin_client.get(f"/admin/library/librarydocument/of/{charlie.dazbox.id}/").content.decode()
    assert "queued" in page
    assert "canary" not in page
    assert admin_client.get("/admin/library/librarydocument/").status_code == 200


def test_a_title_that_is_far_too_long_is_refused_before_it_is_looked_at(api: ApiClient, token: str) -> None:
    assert_problem(send_file(api, token, b"hello", title="<script>" * 12_000), 400)


def test_markup_that_never_ends_is_told_by_its_bytes_at_once(api: ApiClient, token: str) -> None:
    answer = api.post(PATH, {"title": "note", "text": "<!---->" * 500 + "x"}, token=token)
    assert (answer.status, answer.json["media_type"]) == (201, "text/markdown")
