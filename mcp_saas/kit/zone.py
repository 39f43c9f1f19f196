"""Time zones as people name them: those of the IANA database, and none that is a file of this machine alone."""

from zoneinfo import ZoneInfo

_OWN_FILES = frozenset({"localtime", "posixrules", "Factory"})  # this machine's zone, its rules, "not set"
_OTHER_CLOCKS = ("right/", "posix/")  # the same zones again, those of right/ counting leap seconds


def find_zone(name: str) -> ZoneInfo:
    """Raises ValueError for a name that is no zone."""
    if name in _OWN_FILES or name.startswith(_OTHER_CLOCKS):
        raise ValueError(f"{name} is no zone of the IANA database")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"{name} is no zone of the IANA database") from error
