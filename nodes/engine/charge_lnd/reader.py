"""From charge-lnd's configuration to a fee policy that decides the same.

What becomes of each section is reported. A property charge-lnd does not know is refused with its section: it would be
overlooked there. Files a configuration names are given by their contents.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from nodes.engine.charge_lnd.bounds import match_nothing_in, settle_bounds
from nodes.engine.charge_lnd.errors import ChargeLndError, ConfigurationError
from nodes.engine.charge_lnd.properties import (
    ACTIVITY,
    CIRCUITBREAKER,
    MATCHERS,
    SPECIAL,
    STRATEGIES,
    VALUES,
    Read,
    Target,
)
from nodes.engine.charge_lnd.text import (
    PUBKEY,
    Section,
    find_file,
    read_bool,
    read_list_file,
    read_period_s,
    read_scid,
    read_sections,
    split_list,
)
from nodes.engine.document import Bars, FeePolicy, Limits, LimitTable, Rule
from nodes.engine.guards.settings import UNGUARDED
from nodes.engine.report import MAX_PPM

MAX_DEPTH = 5  # files that name files


class ImportedSection(Struct, frozen=True, kw_only=True):
    """What one section became. `strategy` None: it collects values for those after it."""

    section: str
    strategy: str | None
    notes: list[str]


class Imported(Struct, frozen=True, kw_only=True):
    """The document and the report, a line a section in the order of evaluation."""

    document: FeePolicy
    sections: list[ImportedSection]


def read_charge_lnd(text: str, files: Mapping[str, str]) -> Imported:
    """Reads a configuration. Raises ConfigurationError: all that is wrong, each with line, section and property.

    charge-lnd has no limits and prices inactive and private channels too: so does the document.
    """
    try:
        rules, report = _read_rules(text, files, depth=0)
    except ChargeLndError as error:
        raise ConfigurationError([error]) from None
    limits = Limits(min_fee_rate_ppm=0, max_fee_rate_ppm=MAX_PPM, min_change_ppm=0)
    document = FeePolicy(
        rules=rules,
        limits=LimitTable(node=limits),
        bars=Bars(unsynced=False, private=False, unannounced=False, inactive=False, empty=False),
        guards=UNGUARDED,
        switches_on=True,
    )
    _check_document(document)
    return Imported(document=document, sections=report)


def _check_document(document: FeePolicy) -> None:
    """Read back as from where it is stored. Raises ConfigurationError, with the section where one is at fault."""
    try:
        msgspec.json.decode(msgspec.json.encode(document), type=FeePolicy)
    except msgspec.ValidationError as error:
        place = re.search(r"`\$\.rules\[(\d+)\]", str(error))
        section = document.rules[int(place[1])].name if place else None
        if not place and "`$.rules`" in str(error):
            words = f"{len(document.rules)} sections, more than a fee policy has rules: {error}"
            raise ConfigurationError([ChargeLndError(words)]) from None
        raise ConfigurationError([ChargeLndError(str(error), section=section)]) from None


def _read_rules(text: str, files: Mapping[str, str], *, depth: int) -> tuple[list[Rule], list[ImportedSection]]:
    if depth > MAX_DEPTH:
        raise ChargeLndError(f"configurations name each other more than {MAX_DEPTH} deep")
    drafts = [_Draft(section, files, depth=depth) for section in read_sections(text)]
    rules: list[Rule] = []
    errors: list[ChargeLndError] = []
    for draft in drafts:
        try:
            rules.append(draft.build())
        except ConfigurationError as found:
            errors += found.errors
    if errors:
        raise ConfigurationError(errors)
    report = [line for draft in drafts for line in (draft.report(), *draft.nested)]
    return rules, report


class _Draft:
    """One section on its way to a rule, and what there is to tell of it."""

    def __init__(self, section: Section, files: Mapping[str, str], *, depth: int) -> None:
        self.section, self.files, self.depth = section, files, depth
        self.notes: list[str] = []
        self.nested: list[ImportedSection] = []
        self.strategy: dict[str, Any] | None = None
        self.errors: list[ChargeLndError] = []
        self.lacks_list: set[str] = set()  # `chan` or `node`, where a list it names was not given

    def build(self) -> Rule:
        """Raises ConfigurationError with all that is wrong in the section."""
        self._refuse_unknown()
        self.strategy = self._read_strategy()
        match = {} if self.section.name == "default" else self._read_match()
        draft: dict[str, Any] = {"match": match, "values": self._read_targets(VALUES), "strategy": self.strategy}
        if self.errors:
            raise ConfigurationError(self.errors)
        if self.lacks_list:
            draft = self._leave_alone(match)
        if not settle_bounds(draft["match"]):
            self.notes.append("a bound lies beyond all values: no channel matches, as in charge-lnd")
            match_nothing_in(draft["match"])
        self._note_ignored()
        try:
            return msgspec.convert(draft | {"name": self.section.name}, Rule)
        except msgspec.ValidationError as error:
            raise ConfigurationError([ChargeLndError(str(error), section=self.section.name)]) from None

    def _leave_alone(self, match: dict[str, Any]) -> dict[str, Any]:
        """A channel for which charge-lnd reads the missing list is left alone; what it asks before may spare it.

        In a nested configuration it counts there as matched by no section.
        """
        spaces = list(dict.fromkeys(key.split(".")[0] for key in self.section.properties if "." in key))
        before = spaces[: min(spaces.index(space) for space in self.lacks_list)]
        places = {"node": ("peer",), "onchain": ("onchain",)}
        chan = tuple(name for name in match if name not in ("peer", "onchain"))
        asked = {name for space in before for name in places.get(space, chan)}
        kept = {name: value for name, value in match.items() if name in asked}
        return {"match": kept, "strategy": {"strategy": "ignore", "unmatched": self.depth > 0}}

    def report(self) -> ImportedSection:
        return ImportedSection(
            section=self.section.name, strategy=self.section.properties.get("strategy") or None, notes=self.notes
        )

    def _refuse_unknown(self) -> None:
        known = MATCHERS.keys() | ACTIVITY.keys() | VALUES.keys() | SPECIAL | CIRCUITBREAKER
        for key in self.section.properties:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f": {near[0]}?" if near else ""
                self.errors.append(self._refuse(key, f"charge-lnd has no such property{hint}"))

    def _refuse(self, key: str, detail: str) -> ChargeLndError:
        line = self.section.lines.get(key)
        return ChargeLndError(detail, section=self.section.name, key=key, line=line)

    def _read(self, key: str, read: Read) -> Any:
        """None where it cannot be read: the fault is kept, and the section goes no further than to its end."""
        try:
            return read(self.section.properties[key])
        except ChargeLndError as error:
            self.errors.append(self._refuse(key, error.detail))
            return None

    def _read_targets(self, targets: Mapping[str, Target]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, (path, read) in targets.items():
            if key in self.section.properties:
                place = values
                for part in path[:-1]:
                    place = place.setdefault(part, {})
                place[path[-1]] = self._read(key, read)
        return values

    def _read_match(self) -> dict[str, Any]:
        match = self._read_targets(MATCHERS)
        properties = self.section.properties
        if "chan.activity_period" in properties:
            match |= self._read_targets(ACTIVITY)
            activity = match.setdefault("activity", {})
            activity["period_s"] = self._read("chan.activity_period", read_period_s)
            key = "chan.activity_period_ignore_channel_age"
            activity["ignore_age"] = key in properties and not self._read(key, read_bool)
        elif ACTIVITY.keys() & properties.keys():
            self.notes.append("activity is not looked at without chan.activity_period, as in charge-lnd")
        if "chan.id" in properties:
            match["channels"] = self._read_channels()
        if "node.id" in properties:
            match.setdefault("peer", {})["pubkeys"] = self._read_pubkeys()
        return match

    def _read_channels(self) -> list[str]:
        channels = []
        for item in split_list(self.section.properties["chan.id"]):
            if item.startswith("file://"):
                channels += self._read_listed(item, space="chan", read=read_scid)
                continue
            try:
                channels.append(read_scid(item))
            except ChargeLndError as error:
                self.errors.append(self._refuse("chan.id", error.detail))
        return channels

    def _read_pubkeys(self) -> list[str]:
        pubkeys = []
        for item in split_list(self.section.properties["node.id"]):
            if item.startswith("file://"):
                pubkeys += self._read_listed(item, space="node", read=_read_pubkey)
            elif PUBKEY.fullmatch(item):
                pubkeys.append(item)
            else:
                self.notes.append(f"{' '.join(item.split())!r} is no public key (a comma missing?) and matches no node")
        return pubkeys

    def _read_listed(self, reference: str, *, space: str, read: Read) -> list[str]:
        text = find_file(reference, self.files)
        if text is None:
            self.lacks_list.add(space)
            self.notes.append(f"the list {reference} was not given: channels that come this far are left alone")
            return []
        members = []
        for item in read_list_file(text):
            try:
                members.append(read(item))
            except ChargeLndError as error:
                self.notes.append(f"{reference}: {error.detail}, left out")
        return members

    def _read_strategy(self) -> dict[str, Any] | None:
        name = self.section.properties.get("strategy")
        if not name:
            return None
        if name not in STRATEGIES:
            near = difflib.get_close_matches(name, STRATEGIES, n=1)
            words = f"{name!r} is none of {', '.join(sorted(STRATEGIES))}{f': {near[0]}?' if near else ''}"
            self.errors.append(self._refuse("strategy", words))
            return None
        return self._read_nested() if name == "use_config" else {"strategy": name}

    def _read_nested(self) -> dict[str, Any] | None:
        reference = self.section.properties.get("config_file")
        if not reference:
            self.errors.append(self._refuse("strategy", "use_config needs a config_file"))
            return None
        text = find_file(reference, self.files)
        if text is None:
            self.notes.append(f"the configuration {reference} was not given: its channels are left alone")
            return {"strategy": "ignore"}
        try:
            rules, self.nested = _read_rules(text, self.files, depth=self.depth + 1)
        except (ChargeLndError, ConfigurationError) as found:
            faults = found.errors if isinstance(found, ConfigurationError) else (found,)
            self.errors += [self._refuse("config_file", f"{reference}: {fault}") for fault in faults]
            return None
        return {"strategy": "use_config", "name": reference, "rules": msgspec.to_builtins(rules)}

    def _note_ignored(self) -> None:
        keys = self.section.properties.keys()
        if CIRCUITBREAKER & keys:
            self.notes.append(f"{', '.join(sorted(CIRCUITBREAKER & keys))}: limits of circuitbreaker are not set here")
        matchers = sorted(key for key in keys if "." in key)
        if self.section.name == "default" and matchers:
            self.notes.append(f"{', '.join(matchers)}: [default] matches whatever is left, as in charge-lnd")


def _read_pubkey(item: str) -> str:
    if not PUBKEY.fullmatch(item):
        raise ChargeLndError(f"{item!r} is no public key")
    return item
