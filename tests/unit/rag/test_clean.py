"""What nobody sees goes from every text; what tells of one node goes from what is embedded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.engine.clean import clean_text, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pay\u202ealice\u202c now", "payalice now"),
        ("ig\u200bno\u200dre\ufeff", "ignore"),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("a\x00b\x1bc\td", "abc\td"),
        ("10\u00a0000\u202fsats", "10 000 sats"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("e\u0301te\u0301", "été"),
        ("x<script>steal()</script>y<!-- z --> <img src='http://x.example/p.png'>", "xy "),
        ("<scr<b>ipt>x</script>y", "xy"),
        ("<scr\u200bipt>x</script>y", "y"),
        ("lncli connect <pubkey>@<host> if a < b", "lncli connect <pubkey>@<host> if a < b"),
        ("\ud800half", "half"),
    ],
)
def test_marks_and_tags_that_nobody_sees_are_taken_out(text: str, expected: str) -> None:
    assert clean_text(text) == expected


@given(st.text(st.characters() | st.sampled_from("<>/script b!-\u202e"), max_size=200))
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We hold 12,345,678 sats and 0.5 BTC.", "We hold [amount] and [amount]."),
        ("10 000 sats, 2k sats, 1500 msat, ₿1.2, 30 €.", "[amount], [amount], [amount], [amount], [amount]."),
        ("peer 02" + "ab" * 32 + "@10.1.2.3:9735", "peer [pubkey]@[address]"),
        ("node " + "a" * 56 + ".onion:9735", "node [address]"),
        ("reach fe80::1 or 2001:db8:0:1:2:3:4:5", "reach [address] or [address]"),
        ("tx " + "cd" * 32 + ":1", "tx [txid]"),
        ("channel 812345x1234x1 is 893247563728912385", "channel [channel] is [channel]"),
        ("pay LNBC2500U1PVJLUEZPP5QQQSYQCYQ5RQWZQFQQQSYQCYQ5", "pay [invoice]"),
        ("to bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "to [address]"),
        ("fee rate of 350 ppm, block 800000, version 0.18.3, at 12:30:05, 3 channels", None),
    ],
)  # fmt: skip
def test_what_tells_of_one_node_is_not_embedded(text: str, expected: str | None) -> None:
    assert redact(text) == (text if expected is None else expected)
    assert redact(redact(text)) == redact(text)
