"""What `manage.py mcp` takes."""

from argparse import REMAINDER, ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from bridge.engine.presets import PRESETS


def read_pair(text: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    if not (name and is_there):
        raise ArgumentTypeError("give NAME=VALUE")
    return name, value


def read_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:9]) >= 1):
        raise ArgumentTypeError("give a whole number from 1 on")
    return int(text[:9])


def add_actions(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="all servers, as they should be and as they are")
    one = {
        "status": "one server, with its connections",
        "start": "it should run; one in a crash loop gets a new chance",
        "stop": "calls under way are finished, then it ends",
        "restart": "all gateways start it anew",
        "remove": "takes it out of the catalogue",
    }
    for action, words in one.items():
        actions.add_parser(action, help=words).add_argument("name")
    check = actions.add_parser("check", help="opens it once and shows era, capabilities and tools")
    check.add_argument("name")
    check.add_argument("--json", action="store_true", help="for machines")
    _add_add(actions.add_parser("add", help="a new server: mcp add time [OPTIONS] -- uvx mcp-server-time"))
    _add_logs(actions.add_parser("logs", help="the last lines of its log, from all gateways"))
    _add_import(actions.add_parser("import", help="the servers of an assistant's mcp.json"))
    approve = actions.add_parser("approve", help="tools as they are shown now, or as you have read them")
    approve.add_argument("name")
    approve.add_argument(
        "tools",
        nargs="*",
        metavar="TOOL[=SHA256]",
        help="by the hash `mcp check` told; none: all that are in quarantine",
    )


def _add_add(parser: ArgumentParser) -> None:
    _add_options(parser)
    parser.add_argument("name")
    parser.add_argument("command", nargs=REMAINDER, help="after --: a program and its arguments")


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--preset", choices=[preset.name for preset in PRESETS], help="one that many want")
    parser.add_argument("--set", action="append", type=read_pair, default=[], metavar="NAME=VALUE", help="of a preset")
    parser.add_argument("--url", help="a server behind HTTP")
    parser.add_argument("--trusted", action="store_true", help="its address may be one of your own network")
    parser.add_argument("--bearer", action="store_true", help="asks for a bearer token")
    parser.add_argument("--env", action="append", type=read_pair, default=[], metavar="NAME=VALUE")
    parser.add_argument("--cwd", help="its working directory")


def take_late_options(options: dict[str, Any]) -> dict[str, Any]:
    """Options may also stand behind the name; `command` has what is left. Raises CommandError."""
    late: list[str] = options["command"]
    if not late or late[0] == "--" or not late[0].startswith("--"):
        return options
    end = late.index("--") if "--" in late else len(late)
    parser = CommandParser(prog="mcp add", add_help=False, called_from_command_line=False)
    _add_options(parser)
    found = vars(parser.parse_args(late[:end]))
    added = {
        name: options[name] + value if isinstance(value, list) else value for name, value in found.items() if value
    }
    return {**options, **added, "command": late[end:]}


def _add_logs(parser: ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--words", default="", help="only lines with these")
    parser.add_argument("--lines", type=read_count, default=50, help="at most so many; 50")
    parser.add_argument("--follow", action="store_true", help="until Ctrl-C")


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--set", action="append", type=read_pair, default=[], metavar="NAME=VALUE", help="a placeholder"
    )
    parser.add_argument("--replace", action="store_true", help="servers of the same name")
    parser.add_argument("--trial", action="store_true", help="only says what would be")
