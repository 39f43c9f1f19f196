"""Advice cites the library word for word, the same for every box, and does without it when it is away."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.conf import settings
from redis import Redis

from mcp_saas.kit.cache import find_cache
from rag.library.models import LibraryChunk
from rag.pipeline.point import Index
from recommendations.engine.advice import Evidence
from recommendations.pipeline import cite
from tests.api.recommendations.conftest import Clock
from tests.api.recommendations.test_ask_library import add, library
from tests.api.recommendations.test_recommendations import FRENCH, owner, read
from tests.conftest import ApiClient
from tests.factories import Box

__all__ = ["library", "owner"]
OWN = "# What must I back up?\n\nThe channel backup of the Kestrel lies in the cellar, on the shelf of the cat.\n"


def list_quotes(body: Any) -> dict[str, list[Any]]:
    """By the type of the advice."""
    return {
        told["type"]: [one for one in told["evidence"] if one["kind"] == "document"] for told in body["recommendations"]
    }


def test_a_type_of_advice_quotes_the_library_by_chunk_title_and_licence(
    api: ApiClient, owner: Box, library: Index
) -> None:
    body = read(api, owner)
    assert body["degraded"] == []
    [quoted] = list_quotes(body)["backup"]
    chunk = LibraryChunk.objects.select_related("document").get(id=quoted["ref"])
    assert " ".join(quoted["quote"].split()) in " ".join(chunk.text.replace("*", "").split())
    assert chunk.document.title in quoted["value"]
    assert chunk.document.licence in quoted["value"]


def test_in_french_a_french_text_is_quoted(api: ApiClient, owner: Box, library: Index) -> None:
    [quoted] = list_quotes(read(api, owner, **FRENCH))["backup"]
    assert LibraryChunk.objects.get(id=quoted["ref"]).document.lang == "fr"


def test_what_was_found_stands_in_while_the_search_is_away(api: ApiClient, owner: Box, library: Index) -> None:
    before = list_quotes(read(api, owner))
    settings.ENV = settings.ENV.model_copy(update={"qdrant_url": "http://127.0.0.1:9"})
    body = read(api, owner, "?use_cache=false")
    assert (body["degraded"], list_quotes(body)) == ([], before)


def test_what_was_kept_in_another_shape_is_searched_anew(api: ApiClient, owner: Box, library: Index) -> None:
    before = list_quotes(read(api, owner))
    cache = find_cache(settings.ENV.redis_url)
    for value in (b"\x93\x01\x02\x03", b"\xc1", b"\x81\xa1\xff\x90"):
        cite._at_hand.clear()
        cache.get_or_make(
            "citations", "library", arguments="en", make=lambda kept=value: kept, ttl_s=60, use_cache=False
        )
        assert list_quotes(read(api, owner)) == before


def test_a_boxs_own_documents_are_quoted_to_nobody(api: ApiClient, owner: Box, library: Index) -> None:
    add(owner, OWN, library)
    assert "Kestrel" not in str(read(api, owner))
    kept = Redis.from_url(settings.ENV.redis_url)
    values = [kept.dump(key) for key in kept.scan_iter("*library*")]
    assert values
    assert not any(b"Kestrel" in value for value in values)


def test_after_a_failure_nobody_waits_for_the_search_for_half_a_minute(
    api: ApiClient, owner: Box, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(api, owner)["degraded"] == ["rag"]
    assert cite.breaker.is_open
    assert read(api, owner)["degraded"] == ["rag"]
    clock.now_s += 31
    assert not cite.breaker.is_open


def test_what_is_kept_of_a_text_that_was_read_anew_is_searched_anew(api: ApiClient, owner: Box, library: Index) -> None:
    before = list_quotes(read(api, owner))
    gone = Evidence(kind="document", ref=str(uuid4()), value="Gone", quote="Nobody finds this any more.")
    find_cache(settings.ENV.redis_url).get_or_make(
        "citations",
        "library",
        arguments="en",
        make=lambda: msgspec.msgpack.encode({"backup/first": (gone,)}),
        ttl_s=60,
        use_cache=False,
    )
    cite._at_hand.clear()
    assert list_quotes(read(api, owner)) == before
