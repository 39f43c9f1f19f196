"""`manage.py mcp list|status|add|start|stop|restart|logs|check|import|approve|remove`: the catalogue at a terminal."""

import re
from argparse import ArgumentParser
from collections.abc import Callable
from getpass import getpass
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from bridge.engine.merge import list_unlisted
from bridge.engine.presets import find_preset
from bridge.engine.server import BuiltIn, Http, Server, Stdio
from bridge.management.arguments import add_actions, take_late_options
from bridge.management.check import check_server
from bridge.management.lines import count, lay_check, lay_line, lay_servers, lay_status, make_check
from bridge.manager.catalogue import add_server, approve_tools, delete_server, set_running
from bridge.manager.command import restart_server
from bridge.manager.imports import Import, import_servers
from bridge.manager.log import read_lines, wait_after
from bridge.manager.publish import try_publish
from bridge.manager.seen import observe, read_gateways
from bridge.selectors.catalogue import find_row, list_shown, read_server
from bridge.sources.connection import UpstreamError
from mcp_saas.kit.crypto import SealError
from mcp_saas.kit.errors import Problem

ACTOR = "manage.py"
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")


class Command(BaseCommand):
    help = "Keeps the MCP servers of the gateway: docs/mcp-manager.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_actions(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        act: Callable[[dict[str, Any]], None] = getattr(self, f"do_{options['action']}")
        try:
            act(options)
        except Problem as problem:
            unknown = f"There is no MCP server {options.get('name')}: mcp list shows them."
            raise CommandError(unknown if problem.status == 404 else problem.detail) from None
        except RedisError as error:
            raise CommandError(f"Redis does not answer, so gateways cannot be asked: {error}") from None
        except (UpstreamError, SealError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stdout.write("")

    def do_list(self, options: dict[str, Any]) -> None:
        rows, gateways = list_shown(), read_gateways()
        self._write(*lay_servers(rows, {row.name: observe(row.name, gateways) for row in rows}))
        self._write(count(len(gateways), "gateway is running", several="gateways are running") + ".")
        if unlisted := list_unlisted([row.name for row in rows], gateways):
            self._write(f"They run without the catalogue: {', '.join(unlisted)}.")

    def do_status(self, options: dict[str, Any]) -> None:
        row = find_row(options["name"])
        self._write(*lay_status(row, observe(row.name)))

    def do_add(self, options: dict[str, Any]) -> None:
        options = take_late_options(options)
        if options["preset"] and not options["command"]:
            self._add_preset(options)
            return
        server = add_server(_read_server(options), actor=ACTOR)
        self._write(f"{server.name} is in the catalogue.", *self._tell())

    def do_start(self, options: dict[str, Any]) -> None:
        set_running(options["name"], should_run=True, actor=ACTOR)
        self._write(f"{options['name']} should run.", *self._tell())

    def do_stop(self, options: dict[str, Any]) -> None:
        set_running(options["name"], should_run=False, actor=ACTOR)
        self._write(f"{options['name']} should be stopped.", *self._tell())

    def do_restart(self, options: dict[str, Any]) -> None:
        heard = restart_server(find_row(options["name"]).name)
        self._write(count(heard, "gateway was told", several="gateways were told") + ".")

    def do_remove(self, options: dict[str, Any]) -> None:
        delete_server(options["name"])
        self._write(f"{options['name']} is out of the catalogue.", *self._tell())

    def do_logs(self, options: dict[str, Any]) -> None:
        name = find_row(options["name"]).name
        lines = read_lines(name, words=options["words"], limit=options["lines"])
        self._write(*map(lay_line, lines))
        place = lines[-1].id if lines else None
        while options["follow"]:
            lines = wait_after(name, place or "0-0")
            place = lines[-1].id if lines else place
            self._write(*(lay_line(line) for line in lines if options["words"].lower() in line.text.lower()))

    def do_check(self, options: dict[str, Any]) -> None:
        row = find_row(options["name"])
        server = read_server(row)
        if isinstance(server.transport, BuiltIn):
            raise CommandError("The gateway carries this one itself: there is nothing to open.")
        found = check_server(server, on_log=lambda line: self._note(f"[{line.stream}] {line.text}"))
        self._write(*([make_check(row, found)] if options["json"] else lay_check(row, found)))

    def do_import(self, options: dict[str, Any]) -> None:
        try:
            content = options["file"].read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {name_reason(error)}") from None
        values = dict(options["set"])
        done = import_servers(content, values, actor=ACTOR, replaces=options["replace"], is_trial=options["trial"])
        self._show_import(done, is_trial=options["trial"])

    def do_approve(self, options: dict[str, Any]) -> None:
        row = find_row(options["name"])
        seen = observe(row.name)
        if seen is None:
            raise CommandError("No gateway has reported it, so nobody knows what its tools are now.")
        read = dict(tool.partition("=")[::2] for tool in options["tools"])
        wanted = read or dict.fromkeys(seen.quarantined, "")
        if strangers := [tool for tool in wanted if tool not in seen.seen_pins]:
            raise CommandError(f"It does not show {', '.join(strangers)}.")
        if changed := [tool for tool, sha256 in read.items() if sha256 not in {"", seen.seen_pins[tool]}]:
            raise CommandError(f"No longer what you have read: {', '.join(changed)}. See `mcp check {row.name}` again.")
        if not wanted:
            self._write("Nothing is in quarantine.")
            return
        approve_tools(row.name, {tool: seen.seen_pins[tool] for tool in wanted}, actor=ACTOR)
        self._write(count(len(wanted), "tool was approved", several="tools were approved") + ".", *self._tell())

    def _add_preset(self, options: dict[str, Any]) -> None:
        preset, values = find_preset(options["preset"]), dict(options["set"])
        assert preset is not None  # noqa: S101 - argparse takes no other name
        for value in preset.values:
            if value.variable not in values:
                values[value.variable] = _ask(f"{value.variable} ({value.words.en})", is_secret=value.is_secret)
        values = {name: value for name, value in values.items() if value}  # what is left empty may have a default
        entry = msgspec.json.encode({"mcpServers": {options["name"]: preset.entry}}).decode()
        done = import_servers(entry, values, actor=ACTOR)
        if done.kept:
            raise CommandError(f"There is a server {options['name']} already: remove it, or take another name.")
        self._show_import(done, is_trial=False)

    def _show_import(self, done: Import, *, is_trial: bool) -> None:
        for note in done.notes:
            self._write(f"{note.pointer or 'the file'}: {note.detail}")
        for lack in done.lacks:
            self._write(f"{lack.server} was left out: {lack.pointer} wants {lack.variable}: {lack.detail} (--set)")
        for words, names in (("Added", done.added), ("Replaced", done.replaced), ("Unchanged", done.unchanged)):
            if names:
                self._write(f"{words}: {', '.join(names)}.")
        for one in done.kept:
            self._write(
                f"{one.name} is there already with other settings ({', '.join(one.differs)}) and stays as it is:"
                " --replace takes those of the file."
            )
        if not (done.added or done.replaced):
            self._write("No server was taken over.")
        self._write("This was a trial: nothing has changed.") if is_trial else self._write(*self._tell())

    def _tell(self) -> list[str]:
        return [] if try_publish() else ["Gateways could not be told yet: a task will, once Redis is back."]

    def _write(self, *lines: str) -> None:
        for line in lines:
            self.stdout.write(disarm(line))

    def _note(self, line: str) -> None:
        """Beside the answer."""
        self.stderr.write(disarm(line))


def disarm(line: str) -> str:
    """What servers say may hold orders to a terminal: they are shown, not obeyed."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], line)


def name_reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror or error)


def _ask(words: str, *, is_secret: bool) -> str:
    try:
        return (getpass if is_secret else input)(f"{words}: ")
    except EOFError:
        raise CommandError(f"Give --set NAME=VALUE for {words}.") from None


def _read_server(options: dict[str, Any]) -> Server:
    command = options["command"][1:] if options["command"][:1] == ["--"] else options["command"]
    if options["url"] and command:
        raise CommandError("Give a program after --, or --url, and not both.")
    if options["url"]:
        bearer = getpass("Bearer token: ") if options["bearer"] else None
        return Server(options["name"], Http(options["url"], bearer=bearer, is_trusted=options["trusted"]))
    if not command:
        raise CommandError("Give a program after --, or --url, or --preset.")
    child = Stdio(command[0], tuple(command[1:]), env=dict(options["env"]), cwd=options["cwd"])
    return Server(options["name"], child)
