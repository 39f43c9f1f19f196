"""The tenants app, and how an app keeps its models in a folder whose `__init__.py` is empty."""

import pkgutil
from importlib import import_module

from django.apps import AppConfig


class ModelFolderConfig(AppConfig):
    """Imports every module of the app's `models` folder, as Django would a single models.py."""

    def import_models(self) -> None:
        super().import_models()
        if self.models_module is None:
            return
        for module in pkgutil.iter_modules(self.models_module.__path__):
            import_module(f"{self.name}.models.{module.name}")


class TenantsConfig(ModelFolderConfig):
    default = True
    name = "tenants"
    verbose_name = "Dazboxes"

    def ready(self) -> None:
        import_module("tenants.provisioning.rights")  # registers its check
