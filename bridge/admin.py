"""MCP servers for operators: as they should be and as gateways see them, started, stopped, approved, and their logs."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST
from redis.exceptions import RedisError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from bridge.catalogue.models import McpServer
from bridge.engine.merge import list_unlisted
from bridge.manager.catalogue import approve_tools, set_running
from bridge.manager.command import restart_server
from bridge.manager.imports import import_servers
from bridge.manager.log import LogLine, is_place, read_after, read_lines
from bridge.manager.seen import observe, read_gateways
from bridge.selectors.admin_table import as_instant, describe_state, lay_connections, lay_tools
from bridge.selectors.catalogue import find_row, list_shown
from mcp_saas.kit.errors import Problem
from tenants.admin import ReadOnlyAdmin

LINES = 200


class Unshown(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """What was typed does not come back with the page."""

    def format_value(self, value: Any) -> str:
        return ""


class ImportForm(forms.Form):
    content = forms.CharField(label="File", max_length=1 << 20, widget=UnfoldAdminTextareaWidget(attrs={"rows": 14}))
    values = forms.CharField(
        label="Values",
        required=False,
        help_text="NAME=VALUE, one a line; they are not shown again",
        widget=Unshown(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )
    replaces = forms.BooleanField(
        label="Replace servers of the same name", required=False, widget=UnfoldBooleanSwitchWidget
    )

    def clean_values(self) -> dict[str, str]:
        lines = [line.strip() for line in self.cleaned_data["values"].splitlines() if line.strip()]
        if any("=" not in line.strip("=") for line in lines):
            raise forms.ValidationError("Give NAME=VALUE on each line.")
        return dict(line.split("=", 1) for line in lines)


@admin.register(McpServer)
class McpServerAdmin(ReadOnlyAdmin):
    """Pages of our own in the places Django has for them: what is seen of a server lies in no table."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        pages = [
            path("import/", wrap(self.take_file), name="mcp_import"),
            path("of/<str:name>/", wrap(self.show), name="mcp_server"),
            path("of/<str:name>/act/", wrap(require_POST(self.act)), name="mcp_server_act"),
            path("of/<str:name>/log/", wrap(self.follow), name="mcp_server_log"),
        ]
        return [*pages, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        gateways, is_away = _look(request)
        rows = [describe_state(row, observe(row.name, gateways)) for row in list_shown()]
        unlisted = list_unlisted([str(row["name"]) for row in rows], gateways)
        context = {"title": "MCP servers", "servers": rows, "gateways": gateways, "is_away": is_away}
        context |= {"unlisted": unlisted, "is_any_added": not all(row["is_built_in"] for row in rows)}
        return render(request, "admin/mcp_servers.html", self.admin_site.each_context(request) | context)

    def take_file(self, request: HttpRequest) -> HttpResponse:
        context = {"title": "Import MCP servers"} | _take_file(request, actor=f"operator:{request.user.pk}")
        return render(request, "admin/mcp_import.html", self.admin_site.each_context(request) | context)

    def show(self, request: HttpRequest, name: str) -> HttpResponse:
        try:
            row = find_row(name)
        except Problem:
            messages.error(request, f"There is no server {name} any more.")
            return redirect("admin:catalogue_mcpserver_changelist")
        gateways, is_away = _look(request)
        seen = observe(name, gateways)
        lines = [] if is_away else [_show_line(line) for line in read_lines(name, limit=LINES)]
        context = {
            "title": f"MCP server {name}",
            "server": describe_state(row, seen),
            "connections": lay_connections(seen),
            "tools": lay_tools(row, seen),
            "quarantined": bool(seen and seen.quarantined),
            "lines": lines,
            "after": lines[-1]["id"] if lines else "",
        }
        return render(request, "admin/mcp_server.html", self.admin_site.each_context(request) | context)

    def act(self, request: HttpRequest, name: str) -> HttpResponse:
        try:
            messages.success(request, _act(request, name))
        except Problem as problem:
            messages.error(request, problem.detail)
        except RedisError:
            messages.error(request, "Redis does not answer: try again in a moment.")
        if request.POST.get("back") == "list":
            return redirect("admin:catalogue_mcpserver_changelist")
        return redirect("admin:mcp_server", name=name)

    def follow(self, request: HttpRequest, name: str) -> HttpResponse:
        """Lines after the one the page has, for its script."""
        after = request.GET.get("after", "")
        lines = read_after(name, after, limit=LINES) if is_place(after) else read_lines(name, limit=LINES)
        return JsonResponse({"items": [_show_line(line) for line in lines]})


def _take_file(request: HttpRequest, *, actor: str) -> dict[str, Any]:
    """For the page: the form, and what was done, or the form with its errors."""
    form = ImportForm(request.POST or None)
    if not form.is_valid():
        return {"form": form}
    given, is_trial = form.cleaned_data, request.POST.get("act") != "import"
    try:
        done = import_servers(
            given["content"], given["values"], actor=actor, replaces=given["replaces"], is_trial=is_trial
        )
    except Problem as problem:
        form.add_error("content", problem.detail)
        return {"form": form}
    return {"form": form, "done": done, "is_trial": is_trial}


def _act(request: HttpRequest, name: str) -> str:
    """What was done. Raises Problem, RedisError."""
    actor = f"operator:{request.user.pk}"
    match request.POST.get("act"):
        case "start":
            set_running(name, should_run=True, actor=actor)
            return f"{name} should run: gateways start it within two seconds."
        case "stop":
            set_running(name, should_run=False, actor=actor)
            return f"{name} should be stopped: calls under way are finished."
        case "restart":
            heard = restart_server(find_row(name).name)
            return f"{heard} gateway{'s were' if heard != 1 else ' was'} told to restart {name}."
        case "approve":
            return _approve(request, name, actor=actor)
    raise Problem(400, "bad-request", "Bad request", detail="There is no such action.")


def _approve(request: HttpRequest, name: str, *, actor: str) -> str:
    """By the hash that stood on the page: what changed since stays in quarantine."""
    pins = dict(pin.split("=", 1)[::-1] for pin in request.POST.getlist("pin") if "=" in pin)
    if not pins:
        return "Nothing was approved: choose tools first."
    approve_tools(name, pins, actor=actor)
    return f"{len(pins)} tool{'s' if len(pins) != 1 else ''} of {name} approved."


def _look(request: HttpRequest) -> tuple[Any, bool]:
    """Gateways that live; nothing, and a word about it, while Redis is away."""
    try:
        return read_gateways(), False
    except RedisError:
        messages.warning(request, "Redis does not answer, so nothing is known of how servers are.")
        return (), True


def _show_line(line: LogLine) -> dict[str, object]:
    at = as_instant(line.at)
    said: dict[str, object] = {"at": f"{at:%Y-%m-%d %H:%M:%S}" if at else "", "stream": line.stream, "text": line.text}
    return said | {"id": line.id, "pid": line.pid or ""}
