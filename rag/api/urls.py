"""Addresses below /api/v1/knowledge/."""

from django.urls import path

from rag.api.documents import DocumentsView, DocumentView
from rag.api.search import SearchView

urlpatterns = [
    path("search", SearchView.as_view()),
    path("documents", DocumentsView.as_view()),
    path("documents/<uuid:document_id>", DocumentView.as_view()),
]
