"""Which driver a node needs."""

from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.lnd.driver import open_lnd_driver


def open_driver(config: DriverConfig) -> Driver:
    """Connects at the first call. Raises NodeError for a secret or certificate that is none."""
    if config.implementation == "lnd":
        return open_lnd_driver(config)
    raise NodeError(f"there is no driver for {config.implementation}", fault=Fault.SETTING)
