"""`python -m mcp_saas.embedded`: what `make run` does."""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.launcher import launch
from mcp_saas.embedded.options import read_options
from mcp_saas.embedded.output import outlive_reader
from mcp_saas.embedded.product import DAZBOX_CLOUD
from mcp_saas.embedded.run import Product

WORDS = "Starts an instance with a fleet of simulated nodes, until Ctrl-C. `make run` says the same."
VARIABLES = """environment variables:
  GRAPH         an `lncli describegraph` file the fleet is taken from
  FLEET         number of boxes (3)
  PORT          web (8000)
  DAZBOX_HOME   state folder (var)
  DATABASE_URL  your own PostgreSQL 18
  REDIS_URL     your own Redis or Valkey
  QDRANT_URL    your own Qdrant, with QDRANT_API_KEY"""


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


def read_arguments(arguments: list[str]) -> None:
    """There are none but --help: an instance is chosen by variables. Ends the process for others (exit code 2)."""
    parser = ArgumentParser(prog="python -m mcp_saas.embedded", description=WORDS, epilog=VARIABLES)
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.parse_args(arguments)


if __name__ == "__main__":
    read_arguments(sys.argv[1:])
    sys.exit(run_launcher(DAZBOX_CLOUD))
