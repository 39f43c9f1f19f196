"""The catalogue of MCP servers: the operator's, so it lives in the public schema."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "bridge.catalogue"
    label = "catalogue"
    verbose_name = "MCP"
