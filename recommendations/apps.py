"""The app of what each Dazbox was advised."""

from tenants.apps import ModelFolderConfig


class RecommendationsConfig(ModelFolderConfig):
    default = True
    name = "recommendations"
    verbose_name = "Recommendations"
