"""The app whose tables every Dazbox has a set of its own of."""

from tenants.apps import ModelFolderConfig


class NodesConfig(ModelFolderConfig):
    default = True
    name = "nodes"

    def ready(self) -> None:
        from nodes.pipeline import act, credential, journal  # noqa: F401 - they listen to what happens to boxes
        from nodes.pipeline.webhook import endpoint  # noqa: F401 - so does it
