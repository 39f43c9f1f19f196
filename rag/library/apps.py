"""The shared library: the same for everybody, so it lives in the public schema."""

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "rag.library"
    label = "library"
