"""The public graph: the same for everybody, so it lives in the public schema."""

from django.apps import AppConfig


class GraphConfig(AppConfig):
    name = "nodes.graph"
    label = "graph"
