"""No secret goes to somebody else's model, and a quote of what stands for one is the quote of the text."""

import pytest

from rag.engine.evidence import Evidence
from rag.engine.prompt import build_prompt, read_draft
from rag.engine.secrets import hide_secrets, show_secrets

MACAROON = "0201036c6e6402f801030a10" + "ab1c" * 30
SECRETS = {
    "macaroon": MACAROON,
    "macaroon in base64": "AgEDbG5kAvgBAwoQ" + "Qx7zP2mK" * 10 + "==",
    "rune": "tU-RLjMiDpY2U0o3W1oFowar36RFGpWloPbW9-RuZdo9MD9pZF9vdGhlcg==",
    "public key": "02" + "a1" * 32,
    "invoice": "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq",
    "offer": "lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz",
    "lnurl": "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35",
    "key of OpenAI": "sk-proj-abcdefghij0123456789",
    "key of ours": "dz_live_0a1b2c3d_abcdefghijklmnopqrstuvwxyz0123456789",
    "token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.MEUCIQDx",
    "seed": "abandon ability able about above absent absorb abstract absurd abuse access accident",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_told_by_a_name_alone_and_found_again(kind: str) -> None:
    hidden: dict[str, str] = {}
    text = f"What is this: {SECRETS[kind]}, and why?"
    said = hide_secrets(text, hidden)
    assert SECRETS[kind] not in said
    assert said.startswith("What is this: [")
    assert show_secrets(said, hidden) == text


@pytest.mark.parametrize(
    "text",
    [
        "Channel 800000x2x0 earned 12,345 sats at 350 ppm in 2026-11-21.",
        "set fee_rate_ppm and --max-htlc-size-msat in the configuration_file_of_your_lightning_node_daemon",
        "the balance of the channel has moved to the other side and you can not send any more over it",
        "le solde du canal est passe de l'autre cote et vous ne pouvez plus rien envoyer par lui",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert hide_secrets(text, {}) == text


def test_a_quote_holds_against_the_text_as_it_stands() -> None:
    evidence = Evidence(id="chunk", kind="passage", text=f"The peer is {SECRETS['public key']} here.", language="en")
    prompt = build_prompt(f"who is {SECRETS['public key']}?", [evidence], language="en")
    assert SECRETS["public key"] not in prompt.user
    assert prompt.user.count("[pubkey A]") == 2
    [sentence] = read_draft([("It is a peer.", [("E1", "The peer is [pubkey A] here.")])], prompt)
    assert sentence.citations[0].quote == evidence.text
