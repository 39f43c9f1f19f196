"""The time that a question speaks of, read exactly or not at all. Days, weeks, months and years are those of UTC."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator

from rag.engine.intent.value import Gap, Span

_UNIT_HOURS = {
    **dict.fromkeys(("h", "hour", "hours", "heure", "heures"), 1),
    **dict.fromkeys(("day", "days", "jour", "jours"), 24),
    **dict.fromkeys(("week", "weeks", "semaine", "semaines"), 24 * 7),
    **dict.fromkeys(("month", "months", "mois"), 24 * 30),
    **dict.fromkeys(("year", "years", "an", "ans", "annee", "annees"), 24 * 365),
}
_UNIT = "|".join(sorted(_UNIT_HOURS, key=len, reverse=True))
_NUMBERS = {"two": 2, "deux": 2, "three": 3, "trois": 3, "four": 4, "quatre": 4, "five": 5, "cinq": 5, "six": 6}
_NUMBERS |= {"seven": 7, "sept": 7, "ten": 10, "dix": 10, "twelve": 12, "douze": 12, "thirty": 30, "trente": 30}
_NUMBER = rf"(?P<count>\d{{1,4}}|{'|'.join(_NUMBERS)})"
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january janvier", "february fevrier", "march mars", "april avril", "may mai", "june juin",
            "july juillet", "august aout", "september septembre", "october octobre", "november novembre",
            "december decembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        ("monday lundi", "tuesday mardi", "wednesday mercredi", "thursday jeudi", "friday vendredi", "saturday samedi",
         "sunday dimanche")
    )
    for name in names.split()
}  # fmt: skip
_LAST, _LAST_FR = r"(?:last|previous|past)", r"(?:derniere?|passee?|precedente?)"
_FUTURE = re.compile(
    r"\b(?:tomorrow|demain|next (?:\d+ )?(?:hours?|days?|weeks?|months?|years?|run|cycle)|upcoming|a venir"
    r"|prochaine?s?|(?:will|shall) (?:i|we|you|my|our|the|it|this|be|become|run|go|get)|vont se|va se"
    r"|(?:am|are|is) (?:i|we|you|it) going to|vais-je"
    r"|vas-tu|allez-vous|allons-nous|va-t-(?:il|elle|on)"
    r"|(?:gagner|changer|rapporter|augmenter|baisser|relaier|echouer|fer|aur|ser)(?:ai|as|a|ons|ez|ont)(?:-t)?)\b"
)
# Times that nobody can tell from the word alone, or that we do not reckon.
_UNCLEAR = re.compile(
    r"\b(?:quarters?|trimestres?|summer|winter|autumn|spring|ete dernier|hiver|automne|printemps|week-?ends?|morning"
    r"|evening|tonight|night|matin|soir|nuit|christmas|easter|noel|paques|decade|decennie)\b"
)


class _Reader:
    """Takes the times it can read out of a question, one pattern after the other."""

    def __init__(self, asked: str, now: dt.datetime) -> None:
        self.rest, self.now = asked, now
        self.today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def read(self) -> Iterator[Span]:
        for pattern, make in _READERS:
            for found in list(pattern.finditer(self.rest)):
                span = make(self, found)
                is_open = bool(re.search(r"\b(?:since|depuis)(?: le| la| l')? ?$", self.rest[: found.start()]))
                yield (
                    Span(span.since, self.now)
                    if is_open
                    else Span(span.since, min(span.until, max(self.now, span.since)))
                )
            self.rest = pattern.sub(lambda found: " " * len(found[0]), self.rest)

    def day(self, back: int) -> Span:
        since = self.today - dt.timedelta(days=back)
        return Span(since, since + dt.timedelta(days=1))

    def date(self, year: int, month: int, day: int) -> Span:
        """A day that no calendar has is long ago, where nothing is known."""
        try:
            since = dt.datetime(year, month, day, tzinfo=dt.UTC)
        except ValueError:
            since = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return Span(since, since + dt.timedelta(days=1))

    def week(self, back: int) -> Span:
        since = self.today - dt.timedelta(days=self.today.weekday() + 7 * back)
        return Span(since, since + dt.timedelta(days=7))

    def month(self, back: int) -> Span:
        return self.month_of(self.today.year * 12 + self.today.month - 1 - back)

    def month_of(self, months: int) -> Span:
        """Of the month that many after January of the year 0."""
        starts = [dt.datetime(one // 12, one % 12 + 1, 1, tzinfo=dt.UTC) for one in (months, months + 1)]
        return Span(starts[0], starts[1])

    def year(self, year: int) -> Span:
        return Span(dt.datetime(year, 1, 1, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC))

    def named_month(self, found: re.Match[str]) -> Span:
        """Without a year the newest that has begun."""
        number = _MONTHS[found["month"]]
        if found["year"]:
            return self.month_of(int(found["year"]) * 12 + number - 1)
        return self.month((self.today.month - number) % 12)

    def dated(self, found: re.Match[str]) -> Span:
        groups = found.groupdict()
        month = _MONTHS.get(groups["month"]) or int(groups["month"])
        year = int(groups["year"]) if groups["year"] else self.today.year - (month > self.today.month)
        return self.date(year, month, int(groups["day"]))

    def weekday(self, found: re.Match[str]) -> Span:
        return self.day((self.today.weekday() - _WEEKDAYS[found["weekday"]] - 1) % 7 + 1)

    def rolling(self, found: re.Match[str]) -> Span:
        count = found.groupdict().get("count") or "1"
        hours = (_NUMBERS.get(count) or int(count)) * _UNIT_HOURS[found["unit"]]
        return Span(self.now - dt.timedelta(hours=min(hours, 24 * 365 * 15)), self.now)

    def ago(self, found: re.Match[str]) -> Span:
        return self.day((_NUMBERS.get(found["count"]) or int(found["count"])) * _UNIT_HOURS[found["unit"]] // 24)


_Make = Callable[[_Reader, "re.Match[str]"], Span]
_FIRST = dt.datetime(2009, 1, 3, tzinfo=dt.UTC)
_IN = r"(?:in|en|of|for|during|since|depuis|pendant|durant|de|d'|au mois de|month of)"
_TABLE: tuple[tuple[str, _Make], ...] = (
    (r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b", _Reader.dated),
    (rf"\b(?:the |le )?(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)?(?: of)? {_MONTH}(?: (?P<year>20\d\d))?\b", _Reader.dated),
    (rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>20\d\d))?\b", _Reader.dated),
    (rf"(?<=\b){_IN} ?(?:last )?{_MONTH}(?: (?P<year>20\d\d))?\b", _Reader.named_month),
    (rf"\b{_IN} (?P<year>20\d\d)\b", lambda at, found: at.year(int(found["year"]))),
    (rf"\b{_NUMBER} (?P<unit>{_UNIT}) ago\b", _Reader.ago),
    (rf"\bil y a {_NUMBER} (?P<unit>{_UNIT})\b", _Reader.ago),
    (r"\b(?:the )?day before yesterday\b|\bavant-hier\b", lambda at, _: at.day(2)),
    (r"\b(?:yesterday|hier)\b", lambda at, _: at.day(1)),
    (r"\b(?:today|aujourd'hui|ce jour)\b", lambda at, _: at.day(0)),
    (rf"\b{_LAST} week\b|\bsemaine {_LAST_FR}\b", lambda at, _: at.week(1)),
    (r"\bthis week\b|\bcette semaine\b", lambda at, _: at.week(0)),
    (rf"\b{_LAST} month\b|\bmois {_LAST_FR}\b", lambda at, _: at.month(1)),
    (r"\bthis month\b|\bce mois(?:-ci)?\b", lambda at, _: at.month(0)),
    (rf"\b{_LAST} year\b|\b(?:annee|an) {_LAST_FR}\b", lambda at, _: at.year(at.today.year - 1)),
    (r"\bthis year\b|\bcette annee\b", lambda at, _: at.year(at.today.year)),
    (rf"\b(?:on |last |le |ce )?(?P<weekday>{'|'.join(_WEEKDAYS)})(?: dernier)?\b", _Reader.weekday),
    (r"\b(?:ever|in total|all time|altogether|so far|en tout|au total|jusqu'ici|depuis le debut|since the beginning)\b",
     lambda at, _: Span(_FIRST, at.now)),
    (rf"\b{_NUMBER} ?(?:derniere?s? |last )?(?P<unit>{_UNIT})\b", _Reader.rolling),
    (rf"\b(?:last|past|a|per|each|every|par|chaque|the|la|le|dernieres?) ?(?P<unit>{_UNIT})\b", _Reader.rolling),
)  # fmt: skip
_READERS = tuple((re.compile(pattern), make) for pattern, make in _TABLE)


def read_span(asked: str, now: dt.datetime) -> Span | Gap | None:
    """None where no time is named; `forecast` for what is to come; `time` for one that is not read, or for two that
    are not two days.
    """
    if _FUTURE.search(asked):
        return "forecast"
    reader = _Reader(asked, now)
    spans = list(dict.fromkeys(reader.read()))
    if _UNCLEAR.search(reader.rest) or len(spans) > 2:
        return "time"
    if any(span.since >= now for span in spans):
        return "forecast"
    if len(spans) == 2:
        return _join(spans)
    return spans[0] if spans else None


def _join(spans: list[Span]) -> Span | Gap:
    """From one day to another, both with it."""
    first, last = sorted(spans, key=lambda span: span.since)
    if all(span.until - span.since <= dt.timedelta(days=1) for span in spans):
        return Span(first.since, last.until)
    return "time"
