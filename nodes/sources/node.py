"""Which driver a node needs."""

from nodes.sources.cln.driver import open_cln_driver
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver
from nodes.sources.lnd.driver import open_lnd_driver


def open_driver(config: DriverConfig) -> Driver:
    """Connects at the first call. Raises NodeError for a secret or certificate that is none."""
    return open_lnd_driver(config) if config.implementation == "lnd" else open_cln_driver(config)
