"""Opens the demo, as the command `glaclip-demo` does."""

import sys

from glaclip.cli.demo import main

if __name__ == "__main__":
    sys.exit(main())
