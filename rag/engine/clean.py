"""What is taken out of a text: marks nobody sees, for good; what tells of one node, before the text is embedded."""

import re
import unicodedata

# Changes of writing direction, zero-width and other formatting marks, tags, control characters, halves of pairs.
# Where a mark stands between letters nothing takes its place: it was not seen either.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SILENT = ("script", "style", "iframe", "object", "template")
_OPENING = re.compile(rf"<(?:({'|'.join(_SILENT)})\b[^<>]*>|!--)", re.IGNORECASE)
_CLOSING = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _SILENT} | {"": re.compile("-->")}
_ROUNDS = 8  # of taking tags out of what is left: who builds more of them into each other means no good
# By name: `<pubkey>` in a command is a word of the text.
_TAG = re.compile(
    r"</?(?:a|abbr|article|aside|audio|b|base|blockquote|body|br|button|center|code|dd|del|details|div|dl|dt|em|embed|"
    r"figure|font|footer|form|frame|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|meta|nav|"
    r"object|ol|option|p|picture|pre|s|script|section|select|small|source|span|strong|style|sub|summary|sup|svg|table|"
    r"tbody|td|textarea|tfoot|th|thead|title|tr|tt|u|ul|video)(?:[\s/][^<>]*)?/?>",
    re.IGNORECASE,
)
_NUMBER = r"(?>\d(?:[.,'_\u2019 ]?\d)*)"  # read in one way only
_UNIT = r"(?:[kKmM]\s?)?(?:m?sats?|satoshis?|milli-?sat(?:oshi)?s?|m?btc|bitcoins?|euros?|eur|usd|dollars?|chf)\b|[€₿$]"
_REDACTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\bln(?:bcrt|bc|tbs|tb)[0-9]*[munp]?1[02-9ac-hj-np-z]{20,}", "[invoice]"),
        (r"\b(?:lno|lni|lnr|lnurl)1[02-9ac-hj-np-z]{20,}", "[invoice]"),
        (r"\b[a-z2-7]{16,56}\.onion\b(?::\d{1,5})?", "[address]"),
        (r"\b0[23][0-9a-f]{64}\b", "[pubkey]"),
        (r"\b[0-9a-f]{64}(?::\d{1,5})?\b", "[txid]"),
        (r"\b[0-9a-f]{32,}\b", "[secret]"),
        (r"\b(?:bc1|tb1|bcrt1)[02-9ac-hj-np-z]{11,87}\b", "[address]"),
        (r"\b[13][1-9a-hj-np-z]{25,34}\b", "[address]"),
        (r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\d.]*\d)", "[address]"),
        (r"(?<![0-9a-f:])\[?(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4}){0,4}\]?(?::\d{1,5})?(?![0-9a-f:])", "[address]"),
        (r"(?<![0-9a-f:])[0-9a-f]{0,4}::(?:[0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4}(?![0-9a-f:])", "[address]"),
        (r"\b\d{1,8}x\d{1,8}x\d{1,5}\b|\b\d{5,8}:\d{1,8}:\d{1,5}\b", "[channel]"),
        (r"\b\d{17,20}\b", "[channel]"),
    )
)
_AMOUNT = re.compile(rf"(?<![\w.]){_NUMBER}(\s?(?:{_UNIT}))?", re.IGNORECASE)  # or a number of something else
_PRICE = re.compile(rf"[€₿$]\s?{_NUMBER}")


def clean_text(text: str) -> str:
    """The same text as a reader sees it, line breaks as \\n. Cleaned again, it stays as it is.

    Takes time in proportion to the text, whatever it holds: web processes clean titles and questions.
    """
    text = _drop_unseen(text)
    for _ in range(_ROUNDS):
        stripped = _drop_unseen(_TAG.sub("", _drop_silent(text)))
        if stripped == text:
            return text
        text = stripped  # what is left may be a tag again: `<scr<b>ipt>`
    return _drop_unseen(text.replace("<", ""))


def redact(text: str) -> str:
    """Without amounts, keys, invoices, transactions, channels and addresses: a vector tells what its text said."""
    for pattern, name in _REDACTIONS:
        text = pattern.sub(name, text)
    text = _AMOUNT.sub(lambda found: "[amount]" if found[1] else found[0], text)
    return _PRICE.sub("[amount]", text)


def _drop_unseen(text: str) -> str:
    text = _SPACE.sub(" ", _UNSEEN.sub("", _LINE_BREAK.sub("\n", text)))
    return unicodedata.normalize("NFC", text)


def _drop_silent(text: str) -> str:
    """Without comments and what no reader sees between its tags. What is never closed is looked for once."""
    kept: list[str] = []
    start, unclosed = 0, set[str]()
    while opening := _OPENING.search(text, start):
        kept.append(text[start : opening.start()])
        name = (opening[1] or "").lower()
        closing = None if name in unclosed else _CLOSING[name].search(text, opening.end())
        if closing is None:
            unclosed.add(name)
            kept.append(opening[0])
        start = (closing or opening).end()
    return "".join([*kept, text[start:]])
