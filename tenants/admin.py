"""The operator's view of boxes and claims. Changes go through the provisioning API, but for the kill switch."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.models.claim import Claim
from tenants.models.client import ProvisioningClient
from tenants.models.dazbox import Dazbox
from tenants.models.job import Job
from tenants.models.kill_switch import OperatorSwitch
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.kill_switch import lift_operator_switch, set_operator_switch


def list_rooms(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: what an operator looks at, in the order they look."""
    return [
        {
            "title": "Fleet",
            "items": [
                {"title": "Dazboxes", "icon": "dns", "link": reverse("admin:tenants_dazbox_changelist")},
                {"title": "Cycles", "icon": "schedule", "link": reverse("admin:tenants_cycleschedule_changelist")},
                {"title": "Jobs", "icon": "queue", "link": reverse("admin:tenants_job_changelist")},
                {
                    "title": "Library",
                    "icon": "local_library",
                    "link": reverse("admin:library_librarydocument_changelist"),
                },
                {"title": "MCP servers", "icon": "hub", "link": reverse("admin:catalogue_mcpserver_changelist")},
                {"title": "Kill switch", "icon": "emergency_home", "link": reverse("admin:kill_switch")},
            ],
        },
        {
            "title": "Shop",
            "items": [
                {"title": "Claims", "icon": "confirmation_number", "link": reverse("admin:tenants_claim_changelist")},
                {"title": "Clients", "icon": "key", "link": reverse("admin:tenants_provisioningclient_changelist")},
            ],
        },
        {
            "title": "Operators",
            "items": [
                {"title": "Users", "icon": "person", "link": reverse("admin:auth_user_changelist")},
                {"title": "Broken glass", "icon": "visibility", "link": reverse("admin:tenants_breakglass_changelist")},
            ],
        },
    ]


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dazbox)
class DazboxAdmin(ReadOnlyAdmin):
    list_display = (
        "alias",
        "short_pubkey",
        "state",
        "agent_version",
        "created_at",
        "last_seen_at",
        "look_inside",
        "show_documents",
        "stop_it",
    )
    list_filter = ("state",)
    search_fields = ("alias", "pubkey")

    readonly_fields = ("look_inside",)

    @admin.display(description="data")
    def look_inside(self, dazbox: Dazbox) -> str:
        """Sealed for operators; the page behind it takes a reason."""
        return format_html('<a href="{}">Actions and decisions …</a>', reverse("admin:break_glass", args=[dazbox.id]))

    @admin.display(description="documents")
    def show_documents(self, dazbox: Dazbox) -> str:
        return format_html('<a href="{}">States …</a>', reverse("admin:document_states", args=[dazbox.id]))

    @admin.display(description="engine")
    def stop_it(self, dazbox: Dazbox) -> str:
        return format_html('<a href="{}">Kill switch …</a>', reverse("admin:kill_switch_of", args=[dazbox.id]))

    @admin.display(description="node")
    def short_pubkey(self, dazbox: Dazbox) -> str:
        return f"{dazbox.pubkey[:10]}…{dazbox.pubkey[-6:]}"


@admin.register(CycleSchedule)
class CycleScheduleAdmin(ReadOnlyAdmin):
    list_display = ("dazbox", "next_run_at", "started_at", "lane", "last_error")
    list_filter = ("is_slow",)

    @admin.display(description="lane", ordering="is_slow")
    def lane(self, schedule: CycleSchedule) -> str:
        return "slow" if schedule.is_slow else "normal"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("dazbox", "task", "queued_at", "due_at", "attempts", "last_error")
    list_filter = (("due_at", admin.EmptyFieldListFilter), "task")


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "label", "created_by", "created_at", "expires_at", "used_at", "dazbox")
    search_fields = ("prefix", "label")


@admin.register(ProvisioningClient)
class ProvisioningClientAdmin(ReadOnlyAdmin):
    list_display = ("client_id", "name", "is_active", "created_at")
    exclude = ("secret_digest",)


class SwitchForm(forms.Form):
    """`expected` is what has to be typed: nobody stops, or lets go on, by a slip."""

    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The owners read it.")
    confirmation = forms.CharField(max_length=80, widget=UnfoldAdminTextInputWidget)

    def __init__(self, data: Any, *, expected: str, is_on: bool) -> None:
        super().__init__(data)
        self.expected, self.is_on = expected, is_on
        self.fields["reason"].required = not is_on
        self.fields["confirmation"].help_text = f"Type: {expected}"

    def clean_confirmation(self) -> str:
        if self.cleaned_data["confirmation"].strip() != self.expected:
            raise forms.ValidationError(f"Type exactly: {self.expected}")
        return self.expected

    def clean_reason(self) -> str:
        return str(self.cleaned_data["reason"].strip())


@admin.register(OperatorSwitch)
class OperatorSwitchAdmin(ReadOnlyAdmin):
    """Of all nodes from the sidebar, of one from the list of Dazboxes: a click to the page, a click to turn it."""

    list_display = ("__str__", "reason", "set_by", "set_at")

    def get_urls(self) -> list[Any]:
        turn = self.admin_site.admin_view(self.turn)
        pages = [path("turn/", turn, name="kill_switch"), path("turn/<uuid:device_id>/", turn, name="kill_switch_of")]
        return [*pages, *super().get_urls()]

    def turn(self, request: HttpRequest, device_id: UUID | None = None) -> HttpResponse:
        dazbox: Dazbox | None = get_object_or_404(Dazbox, id=device_id) if device_id else None
        switch = OperatorSwitch.objects.filter(dazbox=dazbox).first()
        expected = f"{'go on' if switch else 'stop'} {dazbox.pubkey[:10] if dazbox else 'all nodes'}"
        form = SwitchForm(request.POST or None, expected=expected, is_on=switch is not None)
        if request.method == "POST" and form.is_valid():
            _turn(request, dazbox, switch=switch, reason=form.cleaned_data["reason"])
            return redirect(request.path)
        others = OperatorSwitch.objects.exclude(dazbox=None).select_related("dazbox") if dazbox is None else []
        context = self.admin_site.each_context(request) | {
            "title": f"Kill switch of {dazbox or 'all nodes'}",
            "place": dazbox or "any node",
            "switch": switch,
            "others": others,
            "form": form,
        }
        return render(request, "admin/kill_switch.html", context)


def _turn(request: HttpRequest, dazbox: Dazbox | None, *, switch: OperatorSwitch | None, reason: str) -> None:
    actor = f"operator:{request.user.pk}"
    if switch is None:
        set_operator_switch(dazbox, actor=actor, reason=reason)
    else:
        lift_operator_switch(dazbox, actor=actor)
