"""The operator's view of boxes and claims. Read-only: changes go through the provisioning API."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from tenants.models.claim import Claim
from tenants.models.client import ProvisioningClient
from tenants.models.dazbox import Dazbox
from tenants.models.job import Job
from tenants.models.schedule import CycleSchedule


def list_rooms(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: what an operator looks at, in the order they look."""
    return [
        {
            "title": "Fleet",
            "items": [
                {"title": "Dazboxes", "icon": "dns", "link": reverse("admin:tenants_dazbox_changelist")},
                {"title": "Cycles", "icon": "schedule", "link": reverse("admin:tenants_cycleschedule_changelist")},
                {"title": "Jobs", "icon": "queue", "link": reverse("admin:tenants_job_changelist")},
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
    list_display = ("alias", "short_pubkey", "state", "agent_version", "created_at", "last_seen_at")
    list_filter = ("state",)
    search_fields = ("alias", "pubkey")

    readonly_fields = ("look_inside",)

    @admin.display(description="data")
    def look_inside(self, dazbox: Dazbox) -> str:
        """Sealed for operators; the page behind it takes a reason."""
        return format_html('<a href="{}">Look inside …</a>', reverse("admin:break_glass", args=[dazbox.id]))

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
