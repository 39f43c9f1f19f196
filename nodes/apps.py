"""The app whose tables every Dazbox has a set of its own of."""

from tenants.apps import ModelFolderConfig


class NodesConfig(ModelFolderConfig):
    default = True
    name = "nodes"

    def ready(self) -> None:
        import nodes.pipeline.journal  # noqa: F401 - it listens to what happens to boxes
