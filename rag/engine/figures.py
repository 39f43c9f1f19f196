"""The figures of a text, so that one text can be held against another: numbers with units, dates, names with digits.

English `1,234.5` and French `1 234,5` are the same number; `50k sat`, `50 000 sats` and `50,000,000 msat` the same
amount; `1 %` and `10,000 ppm` the same rate. Where a text can be read in two ways, either reading counts.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from rag.engine.evidence import Language

_BLANKS = "\u00a0\u202f\u2009 "
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.)\]])[-+\u2212])?(?P<digits>\d{{1,3}}(?:[{_BLANKS}]\d{{3}}(?!\d))+(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
    rf"[{_BLANKS}]?(?P<scale>(?:k|K|M|thousand|million|billion|mille|millions?|milliards?)(?![\w]))?"
    rf"(?:[{_BLANKS}](?:de |d'))?[{_BLANKS}]?(?P<unit>%|[a-zA-Zé]+(?:[{_BLANKS}](?:cent|mille)\b)?)?"
)
# What holds a digit and letters is a name: 800000x1x0, a key, BOLT12, v0.20.1, decision:12. Its digits are no numbers.
_NAME = re.compile(r"(?<![\w])(?=[\w:/.#-]*\d)(?=[\w:/.#-]*[^\W\d])[\w]+(?:[:/.#-][\w]+)*(?![\w])")
_QUANTITY = re.compile(r"\d+(?:[.,]\d+)*(?:k|K|M|%|h|min|s|d|j|sats?|ppm|msat|btc|BTC|x)")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?:T(?=\d))?\b|\b(\d{4})-(\d{2})-(\d{2})")
_CLOCK = re.compile(r"\b(\d{1,2})[:h](\d{2})(?::\d{2})?\b")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january janvier jan janv", "february février fevrier feb févr", "march mars mar", "april avril apr avr",
            "may mai", "june juin jun", "july juillet jul juil", "august août aout aug", "september septembre sep sept",
            "october octobre oct", "november novembre nov", "december décembre decembre dec déc",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH_WORDS = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_FIRST = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|er)?[{_BLANKS}]({_MONTH_WORDS})\.?,?[{_BLANKS}](\d{{4}})\b", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH_WORDS})\.?[{_BLANKS}](\d{{1,2}})(?:st|nd|rd|th)?,?[{_BLANKS}](\d{{4}})\b", re.IGNORECASE
)
_SCALES = {
    "k": 3,
    "K": 3,
    "thousand": 3,
    "mille": 3,
    "M": 6,
    "million": 6,
    "millions": 6,
    "billion": 9,
} | dict.fromkeys(("milliard", "milliards"), 9)
# The family of a unit, and how many of its smallest one it is.
_UNITS = {
    **dict.fromkeys(("msat", "msats", "millisatoshi", "millisatoshis"), ("amount", Decimal(1))),
    **dict.fromkeys(("sat", "sats", "satoshi", "satoshis"), ("amount", Decimal(1000))),
    **dict.fromkeys(("btc", "bitcoin", "bitcoins"), ("amount", Decimal(10) ** 11)),
    "ppm": ("rate", Decimal(1)),
    **dict.fromkeys(("%", "percent", "per cent", "pour cent", "pourcent"), ("rate", Decimal(10_000))),
    **dict.fromkeys(("s", "sec", "second", "seconds", "seconde", "secondes"), ("time", Decimal(1))),
    **dict.fromkeys(("min", "minute", "minutes"), ("time", Decimal(60))),
    **dict.fromkeys(("h", "hour", "hours", "heure", "heures"), ("time", Decimal(3600))),
    **dict.fromkeys(("d", "day", "days", "j", "jour", "jours"), ("time", Decimal(86_400))),
    **dict.fromkeys(("week", "weeks", "semaine", "semaines"), ("time", Decimal(604_800))),
    **dict.fromkeys(("block", "blocks", "bloc", "blocs"), ("block", Decimal(1))),
}  # fmt: skip
_WORDS = {
    "zero": 0, "zéro": 0, "two": 2, "deux": 2, "three": 3, "trois": 3, "four": 4, "quatre": 4, "five": 5, "cinq": 5,
    "six": 6, "seven": 7, "sept": 7, "eight": 8, "huit": 8, "nine": 9, "neuf": 9, "ten": 10, "dix": 10, "eleven": 11,
    "onze": 11, "twelve": 12, "douze": 12, "twenty": 20, "vingt": 20, "thirty": 30, "trente": 30, "forty": 40,
    "quarante": 40, "fifty": 50, "cinquante": 50, "sixty": 60, "soixante": 60, "hundred": 100, "cent": 100,
    "thousand": 1000, "mille": 1000, "million": 10**6, "billion": 10**9, "milliard": 10**9, "half": None,
    "moitié": None, "twice": None, "double": None, "triple": None, "thrice": None,
}  # fmt: skip
_WORD = re.compile(rf"(?<![\w])(?:{'|'.join(_WORDS)})s?(?![\w])", re.IGNORECASE)
_PER_CENT = re.compile(rf"\b(?:per|pour)[{_BLANKS}]cent\b", re.IGNORECASE)


class Figure(NamedTuple):
    """One number: every value it can be read as, in the smallest unit of its family; "" is a bare number."""

    shown: str
    values: frozenset[Decimal]
    family: str


class Figures(NamedTuple):
    numbers: tuple[Figure, ...]
    names: frozenset[str]  # folded: what holds letters and digits, and dates
    words: frozenset[str]  # numbers in words, as they stand


def read_figures(text: str, language: Language) -> Figures:
    """All of them. The language says which of comma and dot divides a number's whole from its parts."""
    names = frozenset(_read_dates(text))
    rest = _CLOCK.sub(" ", _MONTH_FIRST.sub(" ", _DAY_FIRST.sub(" ", _ISO_DATE.sub(" ", text))))
    names |= {f"{int(hour)}:{minute}" for hour, minute in _CLOCK.findall(text)}
    found = [name for name in _NAME.findall(rest) if not _QUANTITY.fullmatch(name)]
    for name in sorted(found, key=len, reverse=True):
        rest = rest.replace(name, " ")
    numbers = tuple(_read_number(match, language) for match in _NUMBER.finditer(rest))
    scaled = {match["scale"] for match in _NUMBER.finditer(rest) if match["scale"]}
    words = {word.lower() for word in _WORD.findall(_PER_CENT.sub(" ", rest))} - {str(scale) for scale in scaled}
    return Figures(numbers, names | {name.lower() for name in found}, frozenset(words))


def find_unfounded(text: Figures, grounds: list[Figures]) -> list[str]:
    """The figures of `text` that none of the `grounds` holds, as they are shown."""
    names = frozenset().union(*(ground.names for ground in grounds))
    words = frozenset().union(*(ground.words for ground in grounds))
    numbers = [number for ground in grounds for number in ground.numbers]
    missing = [number.shown for number in text.numbers if not any(_is_same(number, other) for other in numbers)]
    missing += [name for name in sorted(text.names) if name not in names]
    return missing + [word for word in sorted(text.words) if word not in words and not _is_written(word, numbers)]


def _is_same(number: Figure, other: Figure) -> bool:
    if number.family != other.family and number.family and other.family:
        return False
    if number.family == other.family:
        return bool(number.values & other.values)
    return _bare(number) == _bare(other)  # a unit that one of them leaves out


def _bare(number: Figure) -> str:
    return re.sub(rf"[^\d.,]|(?<=\d)[,{_BLANKS}](?=\d{{3}}(?!\d))", "", number.shown).rstrip(".,").replace(",", ".")


def _is_written(word: str, numbers: list[Figure]) -> bool:
    value = _WORDS.get(word, _WORDS.get(word.rstrip("s")))
    return value is not None and any(_bare(number) == str(value) for number in numbers)


def _read_number(match: re.Match[str], language: Language) -> Figure:
    unit = (match["unit"] or "").lower().replace("\u00a0", " ").replace("\u202f", " ")
    family, size = _UNITS.get(unit, ("", Decimal(1)))
    scale = Decimal(10) ** _SCALES.get(match["scale"] or "", 0)
    sign = -1 if (match["sign"] or "") in {"-", "\u2212"} else 1
    values = frozenset(sign * value * scale * size for value in _read_values(match["digits"], language))
    shown = match[0] if family else f"{match['sign'] or ''}{match['digits']}{match['scale'] or ''}"
    return Figure(shown.strip(), values, family)


def _read_values(digits: str, language: Language) -> Iterator[Decimal]:
    """`1,234` is 1234 in English and 1.234 in French; `1,5` is 1.5 in both; `1.234` is 1.234 in both."""
    compact = re.sub(rf"[{_BLANKS}]", "", digits)
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", compact)
    if thousands:
        yield Decimal(compact.replace(",", ""))
    elif compact.count(".") > 1 and re.fullmatch(r"\d{1,3}(?:\.\d{3})+", compact):
        yield Decimal(compact.replace(".", ""))
    elif re.fullmatch(r"\d+(?:[.,]\d+)?", compact):
        yield Decimal(compact.replace(",", "."))
    if thousands and language == "fr" and compact.count(",") == 1 and "." not in compact:
        yield Decimal(compact.replace(",", "."))


def _read_dates(text: str) -> Iterator[str]:
    for match in _ISO_DATE.finditer(text):
        year, month, day = (part for part in match.groups() if part)
        yield f"{year}-{month}-{day}"
    for day, month, year in _DAY_FIRST.findall(text):
        yield f"{year}-{_MONTHS[month.lower()]:02}-{int(day):02}"
    for month, day, year in _MONTH_FIRST.findall(text):
        yield f"{year}-{_MONTHS[month.lower()]:02}-{int(day):02}"
