"""The app whose tables every Dazbox has a set of its own of."""

from tenants.apps import ModelFolderConfig


class NodesConfig(ModelFolderConfig):
    default = True
    name = "nodes"
