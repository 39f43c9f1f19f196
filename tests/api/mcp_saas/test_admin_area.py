"""Sessions, forms and messages are the admin's: a call of the API passes them by, whatever cookies it brings."""

from typing import Any

from django.test import Client
from django.urls import path
from django.views.generic import View

from tests.conftest import ApiClient
from tests.factories import Box

urlpatterns = [path("form", View.as_view())]


def test_a_cookie_costs_a_call_of_the_api_no_question(
    api: ApiClient, alice: Box, django_assert_max_num_queries: Any
) -> None:
    client, headers = Client(), {"Authorization": f"Bearer {api.token_of(alice)}"}
    assert client.get(alice.path("info"), headers=headers).status_code == 200
    client.cookies["sessionid"] = "x" * 32
    with django_assert_max_num_queries(1):
        answer = client.get(alice.path("info"), headers=headers)
    assert answer.status_code == 200
    assert not answer.cookies


def test_a_form_outside_the_admin_is_refused_without_its_token_all_the_same(settings: Any, db: None) -> None:
    settings.ROOT_URLCONF = __name__
    assert Client(enforce_csrf_checks=True).post("/form").status_code == 403
