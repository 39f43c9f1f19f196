"""`python -m nodes.agent`: what runs on a Dazbox."""

import sys

from nodes.agent.command import main

if __name__ == "__main__":
    sys.exit(main())
