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
from tests.conftest import ApiClient
from tests.factories import Box, pubkey_of

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
    answer = api.post(alice.path("fee-policy/preview"), {"rules": rules}, token=api.token_of(alice))

    assert answer.status == 200
    first, second = answer.json["items"]
    assert (first["section"], first["direction"]) == ("one", "keep")
    assert (second["section"], second["direction"], second["proposed_policy"]["fee_rate_ppm"]) == ("rest", "raise", 444)
    assert second["proposed_policy"]["time_lock_delta"] == 144
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
