"""What stops an import, with its place."""

from collections.abc import Sequence


class ChargeLndError(ValueError):
    """A configuration that cannot be taken over as it is. `section` and `key` say where, None: the file as a whole."""

    def __init__(
        self, detail: str, *, section: str | None = None, key: str | None = None, line: int | None = None
    ) -> None:
        place = f"{f'line {line}: ' if line else ''}{f'[{section}] ' if section else ''}"
        super().__init__(f"{place}{f'{key}: ' if key else ''}{detail}")
        self.section = section
        self.key = key
        self.detail = detail


class ConfigurationError(ValueError):
    """All that is wrong with a configuration, in the order of its sections: at least one."""

    def __init__(self, errors: Sequence[ChargeLndError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = tuple(errors)
