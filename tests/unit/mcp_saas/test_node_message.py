"""Signatures of real nodes open, forged ones do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_saas.kit.node_message import derive_pubkey, recover_signer, sign_message

# Made by nodes of three people with LND's `signmessage`; Core Lightning tests its `checkmessage` with them.
VECTORS = {
    "@bitconner": (
        "is this compatible?",
        "rbgfioj114mh48d8egqx8o9qxqw4fmhe8jbeeabdioxnjk8z3t1ma1hu1fiswpakgucwwzwo6ofycffbsqusqdimugbh41n1g698hr9t",
        "02b80cabdf82638aac86948e4c06e82064f547768dcef977677b9ea931ea75bab5",
    ),
    "@duck1123": (
        "hi",
        "rnrphcjswusbacjnmmmrynh9pqip7sy5cx695h6mfu64iac6qmcmsd8xnsyczwmpqp9shqkth3h4jmkgyqu5z47jfn1q7gpxtaqpx4xg",
        "02de60d194e1ca5947b59fe8e2efd6aadeabfb67f2e89e13ae1a799c1e08e4a43b",
    ),
    "@jochemin": (
        "hi",
        "ry8bbsopmduhxy3dr5d9ekfeabdpimfx95kagdem7914wtca79jwamtbw4rxh69hg7n6x9ty8cqk33knbxaqftgxsfsaeprxkn1k48p3",
        "022b8ece90ee891cbcdac0c1cc6af46b73c47212d8defbce80265ac81a6b794931",
    ),
}
published = pytest.mark.parametrize(("message", "signature", "pubkey"), VECTORS.values(), ids=VECTORS.keys())
SECRETS = st.binary(min_size=32, max_size=32).filter(lambda secret: 0 < int.from_bytes(secret) < 2**255)


@published
def test_a_published_signature_names_its_node(message: str, signature: str, pubkey: str) -> None:
    assert recover_signer(message.encode(), signature) == pubkey


@published
def test_for_another_message_it_names_somebody_else(message: str, signature: str, pubkey: str) -> None:
    assert signer_or_none(f"{message} ", signature) != pubkey


@published
@pytest.mark.parametrize("place", range(0, 104, 8))
def test_forged_in_any_place_it_names_somebody_else(message: str, signature: str, pubkey: str, place: int) -> None:
    other = "y" if signature[place] != "y" else "b"
    assert signer_or_none(message, signature[:place] + other + signature[place + 1 :]) != pubkey


@pytest.mark.parametrize("signature", ["", "y", "y" * 104, "9" * 104, "r" * 103, "r" * 105, "é" * 104, "R" * 104])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(ValueError, match=r"signature"):
        recover_signer(b"hi", signature)


@given(SECRETS, st.binary(max_size=200))
def test_whoever_signs_is_recovered(secret: bytes, message: bytes) -> None:
    assert recover_signer(message, sign_message(secret, message)) == derive_pubkey(secret)


def signer_or_none(message: str, signature: str) -> str | None:
    try:
        return recover_signer(message.encode(), signature)
    except ValueError:
        return None
