"""The app of each Dazbox's own documents."""

from tenants.apps import ModelFolderConfig


class RagConfig(ModelFolderConfig):
    default = True
    name = "rag"
    verbose_name = "Knowledge"
