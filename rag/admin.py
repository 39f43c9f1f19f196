"""What an operator sees of documents: the library, and of a box's own how far each is. Titles and texts stay sealed."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path

from rag.library.models import LibraryDocument
from rag.selectors.document import list_states
from tenants.admin import ReadOnlyAdmin
from tenants.context import enter_tenant
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to

HEADERS = ["Document", "State", "Version", "Bytes", "Embedded", "Passages", "Attempts", "Since"]


@admin.register(LibraryDocument)
class LibraryDocumentAdmin(ReadOnlyAdmin):
    list_display = ("title", "collection", "lang", "licence", "state", "chunk_count", "version", "loaded_at")
    list_filter = ("collection", "lang", "state", "licence")
    search_fields = ("title", "path", "source")

    def get_urls(self) -> list[Any]:
        states = path("of/<uuid:device_id>/", self.admin_site.admin_view(self.show_states), name="document_states")
        return [states, *super().get_urls()]

    def show_states(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """The documents of one box: states, sizes and progress, and nothing that is sealed."""
        dazbox = get_object_or_404(Dazbox, id=device_id, state__in=SERVED_STATES)
        with enter_tenant(refer_to(dazbox)):
            rows = list_states()
        table = {"headers": HEADERS, "rows": [list(map(str, row)) for row in rows]}
        context = self.admin_site.each_context(request) | {"title": f"Documents of {dazbox.id}", "table": table}
        return render(request, "admin/document_states.html", context)
