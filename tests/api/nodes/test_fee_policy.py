"""The fee policy at the API: its schema, previews that store nothing, configurations of charge-lnd."""

from io import StringIO
from pathlib import Path

import jsonschema
import msgspec
import pytest
from django.core.management import CommandError, call_command

from nodes.engine.document import FeePolicy
from nodes.models.decision import CycleRun
from nodes.models.policy import FeePolicyVersion
from tenants.context import enter_tenant
from tests.api import lasting
from tests.conftest import ApiClient
from tests.factories import Box, pubkey_of

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db

CONFIG = """
[friends]
node.id = file:///home/lnd/friends.list
strategy = static
fee_ppm = 7

[default]
strategy = proportional
min_fee_ppm = 10
max_fee_ppm = 1_000
"""
FRIENDS = f"# my friends\n{pubkey_of('peer 2')}\n"


def count_rows(box: Box) -> tuple[int, int]:
    with enter_tenant(box.tenant):
        return CycleRun.objects.count(), FeePolicyVersion.objects.count()


def test_the_schema_accepts_the_document_in_force_and_refuses_what_the_api_refuses(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    schema = api.get(alice.path("fee-policy/schema"), token=token).json
    document = api.get(alice.path("fee-policy"), token=token).json["document"]

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    bad = document | {"rules": [{"name": "x", "strategy": {"strategy": "guess"}}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, schema)
    refused = api.put(alice.path("fee-policy"), bad, token=token)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, "/rules/0/strategy/strategy")


def test_a_preview_decides_on_the_newest_snapshot_and_stores_nothing(api: ApiClient, alice: Box) -> None:
    before = count_rows(alice)
    rules = [
        {"name": "one", "match": {"channels": ["800000x1x0"]}, "strategy": {"strategy": "ignore"}},
        {"name": "rest", "strategy": {"strategy": "static"}, "values": {"fee_rate_ppm": 444, "time_lock_delta": 144}},
    ]
    answer = api.post(alice.path("fee-policy/preview"), {"document": {"rules": rules}}, token=api.token_of(alice))

    assert answer.status == 200
    first, second = answer.json["items"]
    assert (first["section"], first["direction"]) == ("one", "keep")
    assert (second["section"], second["direction"], second["proposed_policy"]["fee_rate_ppm"]) == ("rest", "raise", 444)
    assert second["proposed_policy"]["time_lock_delta"] == 144
    assert (second["old_fee_rate_ppm"], second["new_fee_rate_ppm"], second["why"]) == (300, 444, second["reason"])
    assert answer.json["summary"]["raised"] == 1
    assert count_rows(alice) == before


def test_a_preview_without_a_report_has_no_data(api: ApiClient, charlie: Box) -> None:
    answer = api.post(charlie.path("fee-policy/preview"), {}, token=api.token_of(charlie))
    assert answer.json == {"snapshot_seq": None, "summary": None, "items": []}


def test_a_charge_lnd_configuration_becomes_the_fee_policy_and_says_what_each_section_became(
    api: ApiClient, alice: Box
) -> None:
    token = api.token_of(alice)
    body = {"config": CONFIG, "files": {"friends.list": FRIENDS}}
    answer = api.post(alice.path("fee-policy/import"), body, token=token)

    assert (answer.status, answer.json["version"]) == (200, 1)
    assert [(line["section"], line["strategy"]) for line in answer.json["sections"]] == [
        ("friends", "static"),
        ("default", "proportional"),
    ]
    stored = api.get(alice.path("fee-policy"), token=token).json
    assert stored == {"version": 1, "document": answer.json["document"]}
    assert stored["document"]["rules"][0]["match"]["peer"]["pubkeys"] == [pubkey_of("peer 2")]
    assert msgspec.convert(stored["document"], FeePolicy).limits.node.max_fee_rate_ppm == 1_000_000


def test_an_import_can_be_looked_at_first(api: ApiClient, alice: Box) -> None:
    body = {"config": CONFIG, "store": False}
    answer = api.post(alice.path("fee-policy/import"), body, token=api.token_of(alice))

    assert answer.json["version"] is None
    assert "was not given: channels that come this far are left alone" in answer.json["sections"][0]["notes"][0]
    assert count_rows(alice)[1] == 0


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[a]\nstrategy = static\nfee_pmm = 1\n", "[a] fee_pmm: charge-lnd has no such property"),
        ("[a]\nstrategy = magic\n", "[a] strategy: 'magic' is none of"),
        ("[a]\nchan.min_capacity = many\n", "[a] chan.min_capacity: 'many' is no whole number"),
        ("[a]\nstrategy = static\nfee_ppm = -15\n", "[a] Expected `int` >= 0"),
        ("fee_ppm = 1\n", "no section headers"),
        ("".join(f"[s{n}]\nstrategy = ignore\n" for n in range(201)), "201 sections, more than"),
        ("[a]\nstrategy = cost\ncost_factor = 1e309\n", "[a] cost_factor: '1e309' is no finite number"),
        ("[a]\nonchain.min_fee_rate = nan\n", "[a] onchain.min_fee_rate: 'nan' is no finite number"),
        ("[a\u202e]\nstrategy = ignore\n", "Expected `str` matching"),
    ],
)
def test_a_configuration_that_cannot_be_taken_over_is_refused_with_its_place(
    api: ApiClient, alice: Box, config: str, words: str
) -> None:
    refused = api.post(alice.path("fee-policy/import"), {"config": config}, token=api.token_of(alice))

    assert refused.status == 400
    [error] = refused.json["errors"]
    assert (error["pointer"], error["code"]) == ("/config", "charge-lnd")
    assert words in error["detail"]


def test_the_command_imports_what_the_api_imports(alice: Box, tmp_path: Path) -> None:
    config, friends, out = tmp_path / "charge.config", tmp_path / "friends.list", StringIO()
    config.write_text(CONFIG)
    friends.write_text(FRIENDS)
    call_command("import_fee_policy", alice.pubkey, str(config), "--file", str(friends), stdout=out)

    assert "[friends] static" in out.getvalue()
    assert "Fee policy version 1 is in force" in out.getvalue()
    config.write_text("[x]\nfee = 1\n")
    with pytest.raises(CommandError, match=r"\[x\] fee: charge-lnd has no such property"):
        call_command("import_fee_policy", alice.pubkey, str(config))


def test_a_preview_speaks_the_callers_language_of_the_policy_in_force_too(api: ApiClient, alice: Box) -> None:
    french = api.post(alice.path("fee-policy/preview"), {}, token=api.token_of(alice), **{"Accept-Language": "fr"})
    assert french.headers["Content-Language"] == "fr"
    assert all(item["why"] != item["reason"] for item in french.json["items"])


def test_an_import_tells_all_that_is_wrong_at_once_with_lines_and_near_names(api: ApiClient, alice: Box) -> None:
    config = "[a]\nstrategy = statik\nfee_pmm = 1\n\n[b]\nchan.activity_period = 7 days\nfee_ppm = x\n"
    refused = api.post(alice.path("fee-policy/import"), {"config": config}, token=api.token_of(alice))
    details = [error["detail"] for error in refused.json["errors"]]
    assert (refused.status, len(details)) == (400, 4)
    assert details[0] == "line 3: [a] fee_pmm: charge-lnd has no such property: fee_ppm?"
    assert details[1].startswith("line 2: [a] strategy: 'statik' is none of")
    assert details[1].endswith(": static?")
    period = "'7 days' is no period: write seconds, or a number with s, m, h or d, as 7d"
    assert details[2] == f"line 6: [b] chan.activity_period: {period}"
    assert details[3] == "line 7: [b] fee_ppm: 'x' is no whole number"


def test_an_import_over_a_policy_says_over_which_and_the_journal_says_from_what(api: ApiClient, alice: Box) -> None:
    path, token, body = alice.path("fee-policy/import"), api.token_of(alice), {"config": CONFIG}
    first = api.post(path, body, token=token)
    assert first.status == 200
    assert api.post(path, body, token=token).status == 428
    assert api.post(path, body | {"store": False}, token=token).status == 200
    assert api.post(path, body, token=token, **{"If-Match": '"other"'}).status == 412
    tag = api.get(alice.path("fee-policy"), token=token).headers["ETag"]
    assert first.headers["ETag"] == tag
    assert api.post(path, body, token=token, **{"If-Match": tag}).json["version"] == 2
    newest = api.get(alice.path("journal"), token=token).json["items"][0]["text"]
    assert newest.startswith("Fee policy version 2 is in force, set by the owner, imported from charge-lnd's config")


def test_a_key_that_is_none_is_pointed_at(api: ApiClient, alice: Box) -> None:
    rule = {"name": "a", "strategy": {"strategy": "pid", "targets": {"xx": 0.5}}}
    refused = api.put(alice.path("fee-policy"), {"rules": [rule]}, token=api.token_of(alice))
    [error] = refused.json["errors"]
    assert error["pointer"] == "/rules/0/strategy/targets"
    assert error["detail"] == "Expected 66 lower-case hex digits, starting with 02 or 03 as a key"
