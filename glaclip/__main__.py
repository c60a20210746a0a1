"""`python -m glaclip`."""

import sys

from glaclip.cli import main

if __name__ == "__main__":
    sys.exit(main())
