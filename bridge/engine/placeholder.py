"""Placeholders in assistants' files and what they stand for: `${input:key}`, `${env:NAME}`, `${NAME:-default}` and kin.

Each is filled from what the importer was given, never by guessing: what is not there is told with its place.
"""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Kind = Literal["environment", "input", "folder", "other"]

# ${{ secrets.NAME }} (Continue) · ${...} (all others) · {env:NAME} (opencode) · a whole value $NAME (Gemini CLI)
_PLACEHOLDER = re.compile(
    r"\$\{\{\s*(?:secrets|inputs)\.(?P<secret>[\w-]+)\s*\}\}"
    r"|\$\{(?P<braced>[^{}]*)\}"
    r"|\{env:(?P<opencode>\w+)\}"
    r"|\A\$(?P<whole>[A-Z_][A-Z0-9_]*)\Z"
)
_FOLDERS = {"workspaceFolder", "workspaceRoot", "workspaceFolderBasename", "fileDirname", "cwd", "execPath"}
_FIXED = {"/": "/", "pathSeparator": "/"}
_HOME = {"userHome": "HOME"}


class Lack(Struct, frozen=True):
    """A value the file leaves to its reader. `variable`: what to give it as."""

    server: str
    pointer: str
    variable: str
    kind: Kind
    detail: str


class Input(Struct, frozen=True):
    """An entry of `inputs` in VS Code's file."""

    id: str
    description: str | None = None
    default: str | None = None


class Filler:
    """Fills the texts of one server; `lacks` grows as it goes. `env`: what is known, by variable and by input."""

    def __init__(self, server: str, *, env: Mapping[str, str], inputs: Mapping[str, Input]) -> None:
        self._server, self._env, self._inputs = server, env, inputs
        self.lacks: list[Lack] = []

    def fill(self, text: str, pointer: str) -> str:
        """`text` with all that is known in its place; what is not known stays as it was written."""
        return _PLACEHOLDER.sub(lambda match: self._replace(match, pointer), text)

    def _replace(self, match: re.Match[str], pointer: str) -> str:
        kind, variable, default = _read(match)
        value = self._find(kind, variable)
        if value is None and default is None and kind == "input":
            default = self._inputs[variable].default if variable in self._inputs else None
        if value is None:
            value = default
        if value is not None:
            return value
        self.lacks.append(Lack(self._server, pointer, variable, kind, self._advise(kind, variable)))
        return match.group()

    def _find(self, kind: Kind, variable: str) -> str | None:
        if variable in _FIXED:
            return _FIXED[variable]
        found = self._env.get(_HOME.get(variable, variable))
        return self._env.get(_as_environment(variable)) if found is None and kind == "input" else found

    def _advise(self, kind: Kind, variable: str) -> str:
        match kind:
            case "input":
                asked = self._inputs[variable].description if variable in self._inputs else None
                return f"give {_as_environment(variable)}" + (f": {asked}" if asked else "")
            case "folder":
                return f"there is no editor here: give {variable}, a path on the machine the server runs on"
            case "other":
                return f"{variable} is something the editor works out: write the value itself"
            case "environment":
                return f"give {variable}"


def _read(match: re.Match[str]) -> tuple[Kind, str, str | None]:
    """Kind, name and default of a placeholder."""
    found = match.groupdict()
    plain = found["secret"] or found["opencode"] or found["whole"]
    return ("environment", plain, None) if plain else _read_braced(found["braced"])


def _read_braced(inside: str) -> tuple[Kind, str, str | None]:
    name, has_default, default = inside.partition(":-")
    prefix, colon, rest = name.partition(":")
    if prefix == "input" and colon:
        return "input", rest, default if has_default else None
    if prefix == "env" and colon:
        return "environment", rest, default if has_default else None
    if colon:
        return "other", name, None
    return "folder" if name in _FOLDERS else "environment", name, default if has_default else None


def _as_environment(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()
