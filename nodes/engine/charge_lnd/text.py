"""charge-lnd's configuration text: an INI file as Python's configparser reads it, with `${section:key}` references."""

import configparser
import math
import re
from collections.abc import Mapping

from msgspec import Struct

from nodes.engine.charge_lnd.errors import ChargeLndError
from nodes.engine.short_channel_id import scid_from_channel_id

SCID = re.compile(r"\d{1,20}|\d{1,8}x\d{1,8}x\d{1,5}|\d{1,8}:\d{1,8}:\d{1,5}")
PUBKEY = re.compile(r"0[23][0-9a-f]{64}")
_KEY = re.compile(r"(?P<key>[^#;\s\[=:][^=:]*)[=:]")
PERIOD_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Section(Struct, frozen=True):
    """One section with its properties as text, in their order."""

    name: str
    properties: dict[str, str]
    lines: dict[str, int] = {}  # where each property stands, from 1; one of [DEFAULT] or with a reference is not here


def read_sections(text: str) -> list[Section]:
    """In the order in which charge-lnd evaluates them: `default` last, wherever it stands.

    Raises ChargeLndError for text that is no INI file.
    """
    parser = configparser.ConfigParser(interpolation=configparser.ExtendedInterpolation())
    try:
        parser.read_string(text)
        lines = _number_lines(text)
        sections = [Section(name, dict(parser[name].items()), lines.get(name, {})) for name in parser.sections()]
    except configparser.Error as error:
        raise ChargeLndError(" ".join(str(error).split())) from None
    return sorted(sections, key=lambda section: section.name == "default")


def _number_lines(text: str) -> dict[str, dict[str, int]]:
    """Line numbers by section and property."""
    found: dict[str, dict[str, int]] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := configparser.ConfigParser.SECTCRE.match(line.strip()):
            section = header["header"]
        elif match := _KEY.match(line):
            found.setdefault(section, {}).setdefault(match["key"].strip().lower(), number)
    return found


def read_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ChargeLndError(f"{text!r} is no whole number") from None


def read_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ChargeLndError(f"{text!r} is no number") from None
    if not math.isfinite(number):
        raise ChargeLndError(f"{text!r} is no finite number")
    return number


def read_bool(text: str) -> bool:
    """For every property alike; charge-lnd takes "false" for true in some of them."""
    known = configparser.ConfigParser.BOOLEAN_STATES.get(text.lower())
    if known is None:
        raise ChargeLndError(f"{text!r} is neither true nor false")
    return known


def read_period_s(text: str) -> int:
    """Seconds, or a number with s, m, h or d behind it. Words such as `7 days` are no period there either."""
    unit = PERIOD_UNITS.get(text[-1:])
    try:
        return int(text) if unit is None else int(text[:-1]) * unit
    except ValueError:
        raise ChargeLndError(f"{text!r} is no period: write seconds, or a number with s, m, h or d, as 7d") from None


def read_scid(text: str) -> str:
    """`block x tx x output`, with colons, or LND's number. Raises ChargeLndError."""
    numbers = [int(part) for part in re.split("[x:]", text)] if SCID.fullmatch(text) else []
    channel_id = numbers[0] if len(numbers) == 1 else 0
    if len(numbers) == 3:
        channel_id = numbers[0] << 40 | numbers[1] << 16 | numbers[2]
    if not 0 < channel_id < 2**64:
        raise ChargeLndError(f"{text!r} is no channel id: write it as 636374x680x1")
    return scid_from_channel_id(channel_id)


def split_list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


def read_list_file(text: str) -> list[str]:
    """The items of a list file: one a line or parted by commas, `#` begins a remark."""
    items = (item.partition("#")[0].strip() for item in text.replace(",", "\n").splitlines())
    return [item for item in items if item]


def find_file(reference: str, files: Mapping[str, str]) -> str | None:
    """The text of a file the configuration names: by the whole reference, its path, or the path's last part."""
    path = reference.removeprefix("file://")
    return next((files[name] for name in (reference, path, path.rsplit("/", 1)[-1]) if name in files), None)
