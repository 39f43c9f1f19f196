"""The app of what each Dazbox has of the bridge: its audited calls and its own secrets."""

from tenants.apps import ModelFolderConfig


class BridgeConfig(ModelFolderConfig):
    default = True
    name = "bridge"
    verbose_name = "MCP"

    def ready(self) -> None:
        from bridge.manager import box  # noqa: F401 - it listens to what happens to boxes
