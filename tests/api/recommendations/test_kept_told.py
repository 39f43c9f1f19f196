"""Recommendations told once are kept told, by language: what is given is what Django would tell at that moment."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import redis
from django.conf import settings
from django.utils import timezone

from mcp_saas.kit.cache import find_cache
from nodes.pipeline.ingest import accept_snapshot
from recommendations.engine.advice import Evidence
from recommendations.engine.feedback import Verdict
from recommendations.pipeline import cite
from recommendations.pipeline.feedback import give_feedback
from tenants.context import enter_tenant
from tests.api.recommendations.test_recommendations import owner
from tests.api.recommendations.two_ways import (
    Answer,
    TwoWays,
    ask_both,
    forget_limit,
    token_for,
    two_ways,
    warm,
    write_environ,
)
from tests.factories import Box, make_channel, make_snapshot

__all__ = ["owner"]
NAME = "recommendations"
FRENCH, ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "fr"}, {"HTTP_ACCEPT_LANGUAGE": "en"}
LEVEL = {"QUERY_STRING": "level=intermediate"}  # the same, and never given before Django is asked


@pytest.fixture
def ways() -> Iterator[TwoWays]:
    with two_ways() as found:
        yield found


def list_told(box: Box) -> list[tuple[bytes, bytes]]:
    """Texts that are kept beside what they tell, as Redis holds them."""
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        names = list(client.scan_iter(f"dazbox:answers:entry:{box.tenant.id}:{NAME}:*"))
        fields = [field for name in names for field in client.hgetall(name).items()]
    return [(name, held) for name, held in fields if name.startswith(b"rendering:")]


def tell_twice(ways: TwoWays, box: Box, **change: Any) -> Answer:
    """What is told first and what is kept of it; both are Django's."""
    (first, through), (second, _) = [ask_both(ways, box, NAME, token=token_for(box), **change) for _ in range(2)]
    assert (first, second, ways.passed_on) == (through, through, 0)
    assert first.code == 200
    return first


def test_each_language_is_kept_told_by_itself(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)

    told = [tell_twice(ways, owner, **language) for language in (ENGLISH, FRENCH, ENGLISH)]

    assert told[0] == told[2]
    assert "Sauvegarder vos canaux." in told[1].body.decode()
    assert [one.headers["Content-Language"] for one in told] == ["en", "fr", "en"]
    assert len(list_told(owner)) == 2


def test_what_is_kept_told_is_what_another_query_has_told_anew(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)
    told = tell_twice(ways, owner)
    forget_limit(owner)

    anew = ways.past(write_environ(owner.path(NAME), token_for(owner), **LEVEL))

    assert (anew, ways.passed_on) == (told, 1)


def test_what_is_kept_told_is_sealed(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)
    told = tell_twice(ways, owner)

    [(_, held)] = list_told(owner)

    assert b"Back up your channels." in told.body
    assert b"Back up" not in held
    assert owner.pubkey.encode() not in held


def test_a_text_moved_to_another_language_does_not_open(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)
    for language in (ENGLISH, FRENCH):
        tell_twice(ways, owner, **language)
    (first, _), (_, other) = list_told(owner)
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        [entry] = client.scan_iter(f"dazbox:answers:entry:{owner.tenant.id}:{NAME}:*")
        client.hset(entry, first, other)

    for language in (ENGLISH, FRENCH):
        past, through = ask_both(ways, owner, NAME, token=token_for(owner), **language)
        assert past == through
    assert ways.passed_on == 1


def test_the_owners_word_is_told_at_once(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)
    before = tell_twice(ways, owner)
    advised = UUID(msgspec.json.decode(before.body)["recommendations"][0]["id"])
    for why in ("no money for it", "done since, after all"):
        with enter_tenant(owner.tenant):
            give_feedback(advised, Verdict.USEFUL, why=why, actor="the owner")
        warm(ways, owner, NAME)

        told = tell_twice(ways, owner)

        assert why.encode() in told.body
        assert told.headers["ETag"] != before.headers["ETag"]


def test_what_a_new_snapshot_changes_is_told_anew(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)
    before = tell_twice(ways, owner)
    with enter_tenant(owner.tenant):
        accept_snapshot(make_snapshot(2, [make_channel(1)], taken_at=timezone.now()))

    passed = ways.past(write_environ(owner.path(NAME), token_for(owner)))

    assert ways.passed_on == 1
    assert msgspec.json.decode(passed.body)["cache_hit"] is False
    ways.passed_on = 0
    assert tell_twice(ways, owner).headers["ETag"] != before.headers["ETag"]


def test_what_is_worked_out_anew_takes_the_place_of_what_was_told(ways: TwoWays, owner: Box) -> None:
    warm(ways, owner, NAME)
    tell_twice(ways, owner)

    ways.through(write_environ(owner.path(NAME), token_for(owner), QUERY_STRING="use_cache=false"))

    assert list_told(owner) == []
    tell_twice(ways, owner)


def test_other_passages_of_the_library_are_told_as_soon_as_they_are_at_hand(
    ways: TwoWays, owner: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm(ways, owner, NAME)
    away = tell_twice(ways, owner)
    assert b'"degraded":["rag"]' in away.body
    monkeypatch.setattr(cite, "_stand", lambda _: True)  # there is no library behind it
    for quote in ("The channel backup is a small file.", "Make it after each opening."):
        found = Evidence(kind="document", ref=str(uuid4()), value="Backups", quote=quote)
        find_cache(settings.ENV.redis_url).get_or_make(
            "citations",
            "library",
            arguments="en",
            make=lambda found=found: msgspec.msgpack.encode({"backup/first": (found,)}),  # type: ignore[misc]
            ttl_s=60,
            use_cache=False,
        )
        cite._at_hand.clear()

        told = tell_twice(ways, owner)

        assert quote.encode() in told.body
        assert b'"degraded":[]' in told.body
