"""`python -m mcp_saas.embedded`: what `make run` does."""

import os
import sys

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.launcher import launch
from mcp_saas.embedded.options import read_options
from mcp_saas.embedded.output import outlive_reader
from mcp_saas.embedded.product import DAZBOX_CLOUD
from mcp_saas.embedded.run import Product


def run_launcher(product: Product) -> int:
    """0: stopped as asked; 1: could not go on; 2: a wrong option. What went wrong is one line."""
    outlive_reader()
    try:
        launch(read_options(os.environ), product, given=os.environ)
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(run_launcher(DAZBOX_CLOUD))
