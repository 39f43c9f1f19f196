"""What stops an import, with its place."""


class ChargeLndError(ValueError):
    """A configuration that cannot be taken over as it is. `section` and `key` say where, None: the file as a whole."""

    def __init__(self, detail: str, *, section: str | None = None, key: str | None = None) -> None:
        place = f"[{section}] " if section else ""
        super().__init__(f"{place}{f'{key}: ' if key else ''}{detail}")
        self.section = section
        self.key = key
        self.detail = detail
