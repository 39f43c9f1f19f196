"""What an operator sees of a box's data in the admin: nothing, until they break the glass."""

import datetime as dt
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from nodes.selectors.action import list_newest_actions
from nodes.selectors.admin_table import lay_actions, lay_channels, lay_deliveries, lay_webhooks
from nodes.selectors.channel import list_channels
from nodes.selectors.webhook import list_newest_deliveries, list_standings
from tenants.admin import ReadOnlyAdmin
from tenants.context import enter_tenant
from tenants.models.break_glass import BreakGlass
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to
from tenants.tokens.break_glass import break_glass, close_glass, find_leave, note_reading

MAX_CHANNELS = 500
MAX_ACTIONS = 200
MAX_DELIVERIES = 100


class LeaveForm(forms.Form):
    """The bounds are those of the API's `BreakGlassBody`."""

    reason = forms.CharField(
        min_length=10, max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The owner reads it."
    )
    minutes = forms.IntegerField(min_value=1, max_value=60, initial=15, widget=UnfoldAdminIntegerFieldWidget)


@admin.register(BreakGlass)
class BreakGlassAdmin(ReadOnlyAdmin):
    list_display = ("dazbox", "operator", "opened_at", "expires_at", "closed_at")
    exclude = ("session_digest",)

    def get_urls(self) -> list[Any]:
        look = path("look/<uuid:device_id>/", self.admin_site.admin_view(self.look), name="break_glass")
        return [look, *super().get_urls()]

    def look(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """The form of the leave; with leave, actions and decisions. Each look is an entry of the box's journal."""
        dazbox = get_object_or_404(Dazbox, id=device_id, state__in=SERVED_STATES)
        form = LeaveForm(request.POST or None)
        if request.method == "POST" and _change_leave(request, dazbox, form=form):
            return redirect("admin:break_glass", device_id=device_id)
        leave = find_leave(dazbox.pubkey, session=_name_session(request))
        context = self.admin_site.each_context(request) | {
            "title": f"Look into {dazbox.id}",
            "form": form,
            "leave": leave,
        }
        context |= _read_tables(leave) if leave else {}
        return render(request, "admin/break_glass.html", context)


def _change_leave(request: HttpRequest, dazbox: Dazbox, *, form: LeaveForm) -> bool:
    """Takes or gives back; False where the form is not right."""
    operator, session = f"operator:{request.user.pk}", _name_session(request)
    if "close" in request.POST:
        close_glass(dazbox, operator=operator, session=session)
        return True
    if not form.is_valid():
        return False
    duration = dt.timedelta(minutes=form.cleaned_data["minutes"])
    break_glass(dazbox, operator=operator, session=session, reason=form.cleaned_data["reason"], duration=duration)
    return True


def _read_tables(leave: BreakGlass) -> dict[str, Any]:
    note_reading(leave, what="actions, decisions, channels and webhooks, in the admin")
    with enter_tenant(refer_to(leave.dazbox)):
        channels = lay_channels(list_channels(after=None, limit=MAX_CHANNELS))
        webhooks, deliveries = lay_webhooks(list_standings()), lay_deliveries(list_newest_deliveries(MAX_DELIVERIES))
        actions = lay_actions(list_newest_actions(MAX_ACTIONS))
        return {"actions": actions, "channels": channels, "webhooks": webhooks, "deliveries": deliveries}


def _name_session(request: HttpRequest) -> str:
    return f"admin:{request.session.session_key}"
