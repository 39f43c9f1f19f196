"""The app of each Dazbox's own documents."""

from tenants.apps import ModelFolderConfig


class RagConfig(ModelFolderConfig):
    default = True
    name = "rag"
    verbose_name = "Knowledge"

    def ready(self) -> None:
        from rag.pipeline import box, quota  # noqa: F401 - they listen to what happens to boxes
