"""`python -m glaclip`."""

import sys

from glaclip.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
